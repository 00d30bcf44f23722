//! Runs of the worker, and the circuit that all processes share.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::actor::Actor;
use crate::ids::LeaseId;
use crate::policy::circuit::Circuit;

/// The circuit as it is stored: shared by every process on the database.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedCircuit {
    /// The circuit.
    pub circuit: Circuit,
    /// Counts its changes.
    pub revision: i32,
}

/// One run of the worker, as people see it. The store writes it when the run leases; the end completes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The run's lease.
    pub lease: LeaseId,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Who asked for it.
    pub by: Actor,
    /// Whether the messages were handed to the caller.
    pub pulled: bool,
    /// Whether an admin passed the quiet hours.
    pub ignored_quiet_hours: bool,
    /// How many it leased.
    pub leased: u32,
    /// When it ended; `None` while it runs, or when its process died.
    pub ended_at: Option<DateTime<Utc>>,
    /// Accepted by N8N, or settled in its answer.
    pub handed_off: u32,
    /// Not accepted, refused or failed.
    pub failed: u32,
    /// Given back.
    pub released: u32,
    /// Held back by the limits.
    pub rate_limited: u32,
}

/// Runs and the circuit.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// The circuit as it stands.
    async fn circuit(&self) -> Result<SharedCircuit, StoreError>;
    /// Replaces the circuit if it still has the revision that was read; false when it has not.
    async fn save_circuit(&self, circuit: &SharedCircuit) -> Result<bool, StoreError>;
    /// Completes the record of a run.
    async fn end_run(&self, run: &RunRecord) -> Result<(), StoreError>;
    /// The latest runs, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError>;
}
