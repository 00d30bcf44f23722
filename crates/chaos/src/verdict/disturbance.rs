//! Which lease lost its process, or its database, and so may be followed by a repeat (contract §2).

use std::time::Duration;

use crate::evidence::{Evidence, Step};
use crate::journal::Incident;
use crate::moment::Moment;
use crate::settings::LEASE_SECONDS;

/// How long after its restart a database may still be slow to answer.
const AFTERMATH: Duration = Duration::from_secs(3);

/// What kept a process from saving what it knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// It was killed.
    Killed,
    /// It was frozen.
    Frozen,
    /// The database was away while the lease lasted.
    Database,
    /// The clock was moved past the end of the lease.
    Clock,
}

/// What happened to the process of a lease between the lease and a moment after it.
pub fn of_lease(evidence: &Evidence, lease: &Step, until: Moment) -> Option<Disturbance> {
    let lease_ends = lease.at.plus(Duration::from_secs(LEASE_SECONDS) + AFTERMATH);
    let mut incidents = evidence.notes.processes.iter().filter(|incident| incident.process == lease.process);
    // Also before the lease: its statement may have waited in the database longer than its process lived.
    if incidents.clone().any(|incident| incident.kind == Incident::Killed && incident.from <= until) {
        Some(Disturbance::Killed)
    } else if incidents.any(|incident| {
        incident.kind == Incident::Frozen && incident.to >= lease.at && incident.from <= until
    }) {
        Some(Disturbance::Frozen)
    } else if evidence
        .notes
        .outages
        .iter()
        .any(|away| away.to >= lease.at && away.from <= until.min(lease_ends))
    {
        Some(Disturbance::Database)
    } else {
        evidence.clock.jumps().any(|jump| lease.at <= jump && jump <= until).then_some(Disturbance::Clock)
    }
}

/// Whether a process slept at any time between two moments.
pub fn slept(evidence: &Evidence, process: &str, from: Moment, to: Moment) -> bool {
    let incidents = evidence.notes.processes.iter();
    incidents
        .filter(|incident| incident.process == process && incident.kind == Incident::Frozen)
        .any(|incident| incident.to >= from && incident.from <= to)
}
