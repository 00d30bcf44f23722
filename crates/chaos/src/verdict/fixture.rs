//! Small made-up runs, to try the checks on.

use crate::clock::History;
use crate::evidence::{Event, Evidence, MessageRow, Step};
use crate::journal::{Incident, Outage, ProcessIncident};
use crate::moment::{Moment, SECOND};
use crate::n8n::log::{CallbackAnswer, HandOff, Reply, Said, Via, Word};

/// A made-up run. Times are in seconds after eight in the morning, when the open hours begin.
pub struct Case {
    pub evidence: Evidence,
}

/// Eight in the morning, in both clocks.
pub const EIGHT: i64 = 1_772_672_400 * SECOND;

pub fn at(second: i64) -> Moment {
    Moment(EIGHT + second * SECOND)
}

impl Case {
    pub fn new() -> Self {
        Self { evidence: Evidence { clock: History::constant(0), end: at(1_000).0, ..Evidence::default() } }
    }

    pub fn message(&mut self, id: &str, status: &str) {
        let row = MessageRow { tag: format!("t-{id}"), status: status.to_owned(), ..MessageRow::default() };
        self.evidence.messages.insert(id.to_owned(), row);
    }

    pub fn one_step(
        second: i64,
        process: &str,
        from: Option<&str>,
        to: &str,
        lease: Option<&str>,
        attempt: u64,
    ) -> Step {
        Step {
            at: at(second),
            process: process.to_owned(),
            from: from.map(str::to_owned),
            to: to.to_owned(),
            from_kind: None,
            to_kind: None,
            lease: lease.map(str::to_owned),
            old_lease: None,
            leased_at: lease.map(|_| at(second).0),
            due_at: None,
            attempt,
            owner: Some("o".to_owned()),
            channel: "SMS".to_owned(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a table's columns")]
    pub fn step(
        &mut self,
        id: &str,
        second: i64,
        process: &str,
        from: Option<&str>,
        to: &str,
        lease: Option<&str>,
        attempt: u64,
    ) {
        let step = Self::one_step(second, process, from, to, lease, attempt);
        self.evidence.steps.entry(id.to_owned()).or_default().push(step);
    }

    pub fn hand_off(&mut self, id: &str, second: i64, lease: &str, attempt: u64, reply: Reply) {
        self.evidence.truth.hand_offs.push(HandOff {
            at: at(second),
            via: Via::Push,
            message: id.to_owned(),
            attempt,
            lease: lease.to_owned(),
            key: format!("{id}:{attempt}"),
            channel: "SMS".to_owned(),
            reply,
            replied: Some(at(second)),
        });
    }

    pub fn said(
        &mut self,
        id: &str,
        lease: &str,
        attempt: u64,
        word: Word,
        second: i64,
        applied: Option<bool>,
    ) {
        self.evidence.truth.said.push(Said {
            message: id.to_owned(),
            attempt,
            lease: lease.to_owned(),
            word,
            first_try: Some(at(second)),
            answer: applied.map(|applied| CallbackAnswer {
                at: at(second),
                status: 200,
                applied,
                error: None,
            }),
        });
    }

    pub fn event(&mut self, id: &str, kind: &str, to: &str, attempt: u64, lease: Option<&str>) {
        let event =
            Event { kind: kind.to_owned(), to: to.to_owned(), attempt, lease: lease.map(str::to_owned) };
        self.evidence.events.entry(id.to_owned()).or_default().push(event);
    }

    pub fn incident(&mut self, process: &str, kind: Incident, from: i64, to: i64) {
        let process = process.to_owned();
        self.evidence.notes.processes.push(ProcessIncident { process, kind, from: at(from), to: at(to) });
    }

    pub fn outage(&mut self, from: i64, to: i64) {
        self.evidence.notes.outages.push(Outage { from: at(from), to: at(to) });
    }
}
