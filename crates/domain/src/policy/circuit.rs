//! The circuit that keeps a dead N8N from being hammered (contract §4).
//!
//! After [`CircuitSettings::failures`] failures in a row (answers that were not accepted, time-outs) the circuit
//! opens: nothing is handed off for [`CircuitSettings::open_for`]. Then one message probes. What the probe learns
//! closes the circuit or opens it again. A plain value: who shares it must change it under a lock.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

use super::retry::honoured;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// The circuit's state as users see it (contract §9, `circuit`).
    pub enum CircuitLabel {
        /// Messages are handed off.
        Closed = "CLOSED",
        /// Nothing is handed off.
        Open = "OPEN",
        /// One message may probe, or is probing.
        HalfOpen = "HALF_OPEN",
    }
}

/// When the circuit opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitSettings {
    /// So many failures in a row open it (`CIRCUIT_FAILURES`).
    pub failures: NonZeroU32,
    /// How long it stays open before one message probes (`CIRCUIT_OPEN_SECONDS`).
    pub open_for: TimeDelta,
    /// How long a probe may take; afterwards it counts as lost with its process, and another may begin. It must
    /// exceed the time-out of a hand-off (`N8N_TIMEOUT_SECONDS`).
    pub probe_for: TimeDelta,
}

impl Default for CircuitSettings {
    /// 5 failures, open for 30 s, 30 s for a probe.
    fn default() -> Self {
        let seconds = TimeDelta::seconds(30);
        Self { failures: NonZeroU32::MIN.saturating_add(4), open_for: seconds, probe_for: seconds }
    }
}

/// What may be handed off now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// As much as there is.
    Full,
    /// One message, after [`Circuit::begin_probe`].
    Probe,
    /// Nothing.
    Refused {
        /// When to ask again, at the earliest.
        until: DateTime<Utc>,
    },
}

/// The state of the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Messages are handed off.
    Closed {
        /// Failures in a row, below the number that opens it.
        failures: u32,
    },
    /// Nothing is handed off before `until`; then one message may probe.
    Open {
        /// When a probe may begin.
        until: DateTime<Utc>,
        /// Failures in a row.
        failures: u32,
    },
    /// One message is probing.
    HalfOpen {
        /// When the probe counts as lost.
        probe_until: DateTime<Utc>,
        /// Failures in a row.
        failures: u32,
    },
}

impl Default for Circuit {
    /// Closed, without failures.
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// What may be handed off at `now`. Changes nothing; before a probe call [`Circuit::begin_probe`].
    #[must_use]
    pub fn permit(self, now: DateTime<Utc>) -> Permit {
        match self {
            Self::Closed { .. } => Permit::Full,
            Self::Open { until, .. } | Self::HalfOpen { probe_until: until, .. } if now < until => {
                Permit::Refused { until }
            }
            Self::Open { .. } | Self::HalfOpen { .. } => Permit::Probe,
        }
    }

    /// One message begins to probe; unchanged where [`Circuit::permit`] would not answer [`Permit::Probe`].
    #[must_use]
    pub fn begin_probe(self, now: DateTime<Utc>, settings: &CircuitSettings) -> Self {
        match self.permit(now) {
            Permit::Full | Permit::Refused { .. } => self,
            Permit::Probe => {
                Self::HalfOpen { probe_until: later(now, settings.probe_for), failures: self.failures() }
            }
        }
    }

    /// The probe came to nothing (no message was due, it was released before its hand-off): another may begin at
    /// once. Unchanged in the other states.
    #[must_use]
    pub fn cancel_probe(self, now: DateTime<Utc>) -> Self {
        match self {
            Self::Closed { .. } | Self::Open { .. } => self,
            Self::HalfOpen { failures, .. } => Self::Open { until: now, failures },
        }
    }

    /// N8N answered as it should. It closes a half-open circuit and ends a row of failures. In an open one it is the
    /// late answer to a hand-off from before: nothing changes, so that a `Retry-After` is kept and the probe decides.
    #[must_use]
    pub fn on_success(self) -> Self {
        match self {
            Self::Closed { .. } | Self::HalfOpen { .. } => Self::default(),
            Self::Open { .. } => self,
        }
    }

    /// A hand-off was not accepted or timed out. `retry_after` is what N8N asked for (honoured up to an hour): an
    /// open circuit stays open at least that long. A late failure without it does not lengthen an open period.
    #[must_use]
    pub fn on_failure(
        self,
        now: DateTime<Utc>,
        retry_after: Option<TimeDelta>,
        settings: &CircuitSettings,
    ) -> Self {
        let failures = self.failures().saturating_add(1);
        let asked = honoured(retry_after);
        match self {
            Self::Closed { .. } if failures < settings.failures.get() => Self::Closed { failures },
            Self::Closed { .. } | Self::HalfOpen { .. } => {
                Self::Open { until: later(now, settings.open_for.max(asked)), failures }
            }
            Self::Open { until, .. } => Self::Open { until: until.max(later(now, asked)), failures },
        }
    }

    /// Failures in a row, 0 after a success.
    #[must_use]
    pub fn failures(self) -> u32 {
        match self {
            Self::Closed { failures } | Self::Open { failures, .. } | Self::HalfOpen { failures, .. } => {
                failures
            }
        }
    }

    /// The state as users see it at `now`: an open circuit whose time is over is half open, as the next message
    /// probes.
    #[must_use]
    pub fn label(self, now: DateTime<Utc>) -> CircuitLabel {
        match self {
            Self::Closed { .. } => CircuitLabel::Closed,
            Self::Open { until, .. } if now < until => CircuitLabel::Open,
            Self::Open { .. } | Self::HalfOpen { .. } => CircuitLabel::HalfOpen,
        }
    }
}

/// `now + by`, or the end of time.
fn later(now: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
