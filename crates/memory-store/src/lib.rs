//! Every port of the domain in memory.
//!
//! For developers who try the rules without a database, and as the model that `storage-pg` is held against: its lease
//! is `domain::policy::lease_order::pick` itself.

mod audit;
mod clock;
mod contacts;
mod duplicates;
mod housekeeping;
mod insight;
mod jobs;
mod lease;
mod messages;
mod reader;
mod runs;
mod templates;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use domain::audit::AuditEntry;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{AuditId, JobId, LeaseId, MessageId, TemplateKey};
use domain::job::{Job, JobEntry};
use domain::message::{Entry, Message};
use domain::policy::circuit::Circuit;
use domain::policy::rate_limit::RateWindow;
use domain::ports::{RunRecord, SharedCircuit, Template};

pub use clock::{ManualClock, SteadyEntropy};

/// The whole queue in memory.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

struct Inner {
    messages: BTreeMap<MessageId, Message>,
    duplicates: HashMap<MessageId, NaiveDate>,
    entries: HashMap<MessageId, Vec<Entry>>,
    contacts: BTreeMap<ContactId, Contact>,
    opted_out: HashSet<(Channel, String)>,
    templates: BTreeMap<TemplateKey, Template>,
    jobs: BTreeMap<JobId, (Job, Vec<JobEntry>)>,
    runs: BTreeMap<LeaseId, RunRecord>,
    windows: HashMap<String, RateWindow>,
    circuit: SharedCircuit,
    audit: BTreeMap<AuditId, AuditEntry>,
    refused: HashSet<MessageId>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            messages: BTreeMap::new(),
            duplicates: HashMap::new(),
            entries: HashMap::new(),
            contacts: BTreeMap::new(),
            opted_out: HashSet::new(),
            templates: BTreeMap::new(),
            jobs: BTreeMap::new(),
            runs: BTreeMap::new(),
            windows: HashMap::new(),
            circuit: SharedCircuit { circuit: Circuit::default(), revision: 0 },
            audit: BTreeMap::new(),
            refused: HashSet::new(),
        }
    }
}

impl MemoryStore {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on refuses every save with this message in it, as a database with a broken row would.
    pub fn refuse(&self, id: MessageId) {
        self.inner().refused.insert(id);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
