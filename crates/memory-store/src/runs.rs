//! Runs and the circuit.

use async_trait::async_trait;
use domain::ids::LeaseId;
use domain::message::timeline::LeaseHolder;
use domain::ports::{LeaseReader, RunRecord, RunStore, SharedCircuit, StoreError};

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

#[async_trait]
impl LeaseReader for MemoryStore {
    async fn holder(&self, lease: LeaseId) -> Result<Option<LeaseHolder>, StoreError> {
        Ok(self.inner().runs.get(&lease).map(|run| LeaseHolder {
            by: run.by.clone(),
            pulled: run.pulled,
            ignored_quiet_hours: run.ignored_quiet_hours,
        }))
    }
}
