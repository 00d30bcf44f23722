//! Runs and the circuit.

use async_trait::async_trait;
use domain::ports::{RunRecord, RunStore, SharedCircuit, StoreError};

use crate::MemoryStore;

#[async_trait]
impl RunStore for MemoryStore {
    async fn circuit(&self) -> Result<SharedCircuit, StoreError> {
        Ok(self.inner().circuit.clone())
    }

    async fn save_circuit(&self, circuit: &SharedCircuit) -> Result<bool, StoreError> {
        let inner = &mut *self.inner();
        let current = inner.circuit.revision == circuit.revision;
        if current {
            inner.circuit = SharedCircuit { circuit: circuit.circuit, revision: circuit.revision + 1 };
        }
        Ok(current)
    }

    async fn end_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        self.inner().runs.insert(run.lease, run.clone());
        Ok(())
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        Ok(self.inner().runs.values().rev().take(limit as usize).cloned().collect())
    }
}
