//! The circuit that all processes share, as one run sees it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Deps;
use crate::policy::circuit::{CircuitLabel, Permit};
use crate::ports::{SharedCircuit, StoreError};

/// How often a change is tried anew when another process changed the circuit in between.
const MAX_RACES: usize = 5;

/// A run's view of the shared circuit.
pub(super) struct Breaker {
    seen: Mutex<SharedCircuit>,
    probing: bool,
}

/// What a hand-off says about N8N's health.
#[derive(Debug, Clone, Copy)]
pub(super) enum Health {
    Good,
    Bad { retry_after: Option<TimeDelta> },
}

impl Breaker {
    pub(super) async fn load(deps: &Deps<'_>) -> Result<Self, StoreError> {
        Ok(Self { seen: Mutex::new(deps.stores.circuit().await?), probing: false })
    }

    pub(super) fn permit(&self, now: DateTime<Utc>) -> Permit {
        self.seen().circuit.permit(now)
    }

    /// Whether no further hand-off may start: the circuit opened while the run went on. A probe is never stopped.
    pub(super) fn stops(&self, now: DateTime<Utc>) -> bool {
        match self.permit(now) {
            Permit::Full => false,
            Permit::Probe | Permit::Refused { .. } => !self.probing,
        }
    }

    pub(super) fn label(&self, now: DateTime<Utc>) -> CircuitLabel {
        self.seen().circuit.label(now)
    }

    /// Takes the one probe; false when another run has it.
    pub(super) async fn begin_probe(&mut self, deps: &Deps<'_>) -> Result<bool, StoreError> {
        let mut next = self.seen().clone();
        next.circuit = next.circuit.begin_probe(deps.clock.now(), &deps.rules.circuit);
        if !deps.stores.save_circuit(&next).await? {
            return Ok(false);
        }
        next.revision += 1;
        *self.seen() = next;
        self.probing = true;
        Ok(true)
    }

    /// Gives the probe back: there was nothing to probe with.
    pub(super) async fn cancel_probe(&mut self, deps: &Deps<'_>) -> Result<(), StoreError> {
        if self.probing {
            let mut next = self.seen().clone();
            next.circuit = next.circuit.cancel_probe(deps.clock.now());
            self.probing = false;
            if deps.stores.save_circuit(&next).await? {
                next.revision += 1;
                *self.seen() = next;
            }
        }
        Ok(())
    }

    /// Tells all processes how N8N fared; writes only when that changes the circuit.
    pub(super) async fn learn(&self, deps: &Deps<'_>, health: Health) -> Result<(), StoreError> {
        for _ in 0..MAX_RACES {
            let before = self.seen().clone();
            let circuit = match health {
                Health::Good => before.circuit.on_success(),
                Health::Bad { retry_after } => {
                    before.circuit.on_failure(deps.clock.now(), retry_after, &deps.rules.circuit)
                }
            };
            if circuit == before.circuit {
                return Ok(());
            }
            let next = SharedCircuit { circuit, revision: before.revision };
            if deps.stores.save_circuit(&next).await? {
                *self.seen() = SharedCircuit { revision: next.revision + 1, ..next };
                return Ok(());
            }
            let fresh = deps.stores.circuit().await?;
            *self.seen() = fresh;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, SharedCircuit> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
