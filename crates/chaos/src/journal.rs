//! What the harness did and saw, for the comparison at the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::moment::Moment;

/// What was done to a server's process, or what it did by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// `kill -9`.
    Killed,
    /// SIGSTOP, until SIGCONT.
    Frozen,
    /// SIGTERM, until its end.
    Stopped,
}

/// One thing that happened to one process.
#[derive(Debug, Clone)]
pub struct ProcessIncident {
    /// The process: server and generation, as the database's log names it.
    pub process: String,
    /// What.
    pub kind: Incident,
    /// Since when.
    pub from: Moment,
    /// Until when; the same where it has no length.
    pub to: Moment,
}

/// A time without the database.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// Since when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
}

/// What came of a request that makes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// 201 or 200; the ids where the answer has them.
    Accepted {
        /// The message's id (single creates).
        ids: Vec<String>,
        /// How many messages were stored, skipped ones included.
        stored: usize,
    },
    /// A clear no.
    Refused(u16),
    /// No answer, though asked again and again.
    Lost,
}

/// A request that makes messages.
#[derive(Debug, Clone)]
pub struct Create {
    /// The notificationId of all its messages.
    pub tag: String,
    /// How many it asks for.
    pub wanted: usize,
    /// What came of it.
    pub answer: Answered,
}

/// An opt-out that was pushed.
#[derive(Debug, Clone)]
pub struct OptOut {
    /// The lead.
    pub lead: String,
    /// The channel.
    pub channel: String,
    /// When the server said that it has it.
    pub acknowledged: Moment,
}

/// Everything that was noted.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Faults injected, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Faults that could not be injected, and why.
    pub failed_faults: Vec<String>,
    /// Other numbers, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// What happened to processes.
    pub processes: Vec<ProcessIncident>,
    /// Times without the database.
    pub outages: Vec<Outage>,
    /// Requests that make messages.
    pub creates: Vec<Create>,
    /// How often each message was asked to be queued anew.
    pub requeues: BTreeMap<String, usize>,
    /// How often each message was asked to be cancelled.
    pub cancels: BTreeMap<String, usize>,
    /// Opt-outs that the server has.
    pub opt_outs: Vec<OptOut>,
    /// Repeats of a request with its key whose answer was another one.
    pub odd_replays: Vec<String>,
    /// What servers must not do: answers with 500, ends by themselves, stops that take too long.
    pub misbehaviour: Vec<String>,
}

/// The notes, shared by all parts of the harness.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Notes>);

impl Journal {
    /// Everything so far.
    pub fn notes(&self) -> Notes {
        self.lock().clone()
    }

    /// A fault was injected.
    pub fn fault(&self, name: &'static str) {
        *self.lock().faults.entry(name).or_default() += 1;
    }

    /// A fault could not be injected, such as one on a database that was down.
    pub fn fault_failed(&self, what: String) {
        self.lock().failed_faults.push(what);
    }

    /// Something else worth counting happened.
    pub fn count(&self, name: &'static str) {
        *self.lock().counts.entry(name).or_default() += 1;
    }

    /// Something happened to a process.
    pub fn process(&self, process: &str, kind: Incident, from: Moment) {
        let to = if kind == Incident::Killed { from } else { Moment::now() };
        self.lock().processes.push(ProcessIncident { process: process.to_owned(), kind, from, to });
    }

    /// The database goes away; answers the number of the outage.
    pub fn outage_begins(&self) -> usize {
        let mut notes = self.lock();
        notes.outages.push(Outage { from: Moment::now(), to: Moment(i64::MAX) });
        notes.outages.len() - 1
    }

    /// The database is back.
    pub fn outage_ends(&self, number: usize) {
        if let Some(outage) = self.lock().outages.get_mut(number) {
            outage.to = Moment::now();
        }
    }

    /// Whether the database was away at any time since then.
    pub fn outage_since(&self, from: Moment) -> bool {
        self.lock().outages.iter().any(|outage| outage.to >= from)
    }

    /// A request that makes messages is over.
    pub fn create(&self, create: Create) {
        self.lock().creates.push(create);
    }

    /// A message is about to be queued anew.
    pub fn requeue(&self, id: &str) {
        *self.lock().requeues.entry(id.to_owned()).or_default() += 1;
    }

    /// A message is about to be cancelled.
    pub fn cancel(&self, id: &str) {
        *self.lock().cancels.entry(id.to_owned()).or_default() += 1;
    }

    /// The server has an opt-out.
    pub fn opt_out(&self, opt_out: OptOut) {
        self.lock().opt_outs.push(opt_out);
    }

    /// A repeat was answered otherwise than the first request.
    pub fn odd_replay(&self, what: String) {
        self.lock().odd_replays.push(what);
    }

    /// A server did what it must not.
    pub fn misbehaviour(&self, what: String) {
        self.lock().misbehaviour.push(what);
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
