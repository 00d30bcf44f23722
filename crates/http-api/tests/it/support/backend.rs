//! The store in memory, with keys for requests that come twice, and faults on demand.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::Scope;
use domain::audit::AuditEntry;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{JobId, LeaseId, MessageId, OwnerId, TemplateKey};
use domain::job::{Job, JobEntry, JobStatus};
use domain::message::timeline::LeaseHolder;
use domain::message::{Change, Entry, Message, SentReport, Standing};
use domain::phone::PhoneNumber;
use domain::ports::{
    AuditLog, AuditRequest, Begin, ChannelCount, Claim, ContactStore, Depth, Detail, DuplicateReader,
    DuplicateWindow, Filter, Idempotency, InsightReader, JobFilter, JobPage, JobStore, JobView, LeaseReader,
    LeaseRequest, Leased, ListPage, ListRequest, MessageReader, MessageStore, NewMessage, OwnerUse, Portions,
    Reserved, RunRecord, RunStore, Saved, SharedCircuit, SpanCount, Stats, StoreError, StoredAnswer, Stores,
    StuckGroup, Template, TemplateStore, UnitOfWork,
};
use domain::rules::Limits;
use memory_store::MemoryStore;

/// How every call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unavailable,
    Busy,
    Corrupt,
    Refused,
    /// It breaks off.
    Panics,
}

/// What the log may know and clients may not.
pub(crate) const INTERNALS: &str = "relation outbound_messages at 10.0.0.7";

#[derive(Default)]
pub(crate) struct TestBackend {
    store: Arc<MemoryStore>,
    fault: Mutex<Option<Fault>>,
    keys: Arc<Keys>,
    calls: Mutex<HashMap<&'static str, usize>>,
}

/// By key, route and actor: the body's digest, and the answer once there is one.
type Keys = Mutex<HashMap<(String, String, String), (Vec<u8>, Option<StoredAnswer>)>>;

impl TestBackend {
    pub(crate) fn fail_with(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    /// How often it was asked for this.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.calls.lock().unwrap().get(name).copied().unwrap_or_default()
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match *self.fault.lock().unwrap() {
            None => Ok(()),
            Some(Fault::Unavailable) => Err(StoreError::Unavailable(INTERNALS.to_owned())),
            Some(Fault::Busy) => Err(StoreError::Busy(INTERNALS.to_owned())),
            Some(Fault::Corrupt) => Err(StoreError::Corrupt(INTERNALS.to_owned())),
            Some(Fault::Refused) => Err(StoreError::Refused(INTERNALS.to_owned())),
            Some(Fault::Panics) => std::panic::panic_any(INTERNALS),
        }
    }

    fn take(&self, claim: &Claim) -> Reserved {
        match self.keys.lock().unwrap().entry(name(claim)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((claim.fingerprint.clone(), None));
                Reserved::Fresh
            }
            std::collections::hash_map::Entry::Occupied(taken) => match taken.get() {
                (fingerprint, _) if *fingerprint != claim.fingerprint => Reserved::OtherBody,
                (_, Some(answer)) => Reserved::Replay(answer.clone()),
                (_, None) => Reserved::Running,
            },
        }
    }
}

fn name(claim: &Claim) -> (String, String, String) {
    (claim.key.clone(), claim.route.clone(), claim.actor.clone())
}

/// Frees its key unless it is committed; it undoes nothing else, as the store in memory has no transactions.
struct Unit {
    store: Arc<MemoryStore>,
    keys: Weak<Keys>,
    claim: Option<Claim>,
}

#[async_trait]
impl UnitOfWork for Unit {
    fn stores(&self) -> &dyn Stores {
        &*self.store
    }

    async fn commit(mut self: Box<Self>, answer: StoredAnswer) -> Result<(), StoreError> {
        if let (Some(keys), Some(claim)) = (self.keys.upgrade(), self.claim.take()) {
            keys.lock().unwrap().insert(name(&claim), (claim.fingerprint, Some(answer)));
        }
        Ok(())
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if let (Some(keys), Some(claim)) = (self.keys.upgrade(), self.claim.take()) {
            keys.lock().unwrap().remove(&name(&claim));
        }
    }
}

#[async_trait]
impl Idempotency for TestBackend {
    async fn begin(&self, claim: Option<&Claim>) -> Result<Begin, StoreError> {
        self.check()?;
        match claim.map_or(Reserved::Fresh, |claim| self.take(claim)) {
            Reserved::Fresh => Ok(Begin::Fresh(Box::new(Unit {
                store: self.store.clone(),
                keys: Arc::downgrade(&self.keys),
                claim: claim.cloned(),
            }))),
            Reserved::Replay(answer) => Ok(Begin::Replay(answer)),
            Reserved::OtherBody => Ok(Begin::OtherBody),
            Reserved::Running => Ok(Begin::Running),
        }
    }

    async fn reserve(&self, claim: &Claim) -> Result<Reserved, StoreError> {
        self.check()?;
        Ok(self.take(claim))
    }

    async fn finish(&self, claim: &Claim, answer: StoredAnswer) -> Result<(), StoreError> {
        self.keys.lock().unwrap().insert(name(claim), (claim.fingerprint.clone(), Some(answer)));
        Ok(())
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.keys.lock().unwrap().remove(&name(claim));
        Ok(())
    }
}

/// Each call fails with the fault, or goes to the store.
macro_rules! through {
    ($($port:ident { $(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+ })+) => {$(
        #[async_trait]
        impl $port for TestBackend {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out, StoreError> {
                self.check()?;
                *self.calls.lock().unwrap().entry(stringify!($name)).or_default() += 1;
                self.store.$name($($arg),*).await
            })+
        }
    )+};
}

through! {
    MessageStore {
        fn insert(new: Vec<NewMessage>, window: Option<DuplicateWindow>) -> Vec<Message>;
        fn insert_portions(portions: Portions<'_>, window: Option<DuplicateWindow>) -> Vec<Message>;
        fn lease_due(request: &LeaseRequest) -> Leased;
        fn load(ids: &[MessageId]) -> Vec<Message>;
        fn load_standing(ids: &[MessageId]) -> Vec<Standing>;
        fn save(changes: &[Change]) -> Vec<Saved>;
        fn save_sent(reports: &[SentReport], now: DateTime<Utc>) -> Vec<bool>;
        fn note(entries: &[(MessageId, Entry)]) -> ();
        fn overdue(now: DateTime<Utc>, limit: u32) -> Vec<Message>;
        fn of_lease(lease: LeaseId) -> Vec<Message>;
    }
    MessageReader {
        fn list(request: &ListRequest) -> ListPage;
        fn detail(id: MessageId, scope: &Scope) -> Option<Detail>;
        fn matching(scope: &Scope, filter: &Filter, after: Option<MessageId>, limit: u32) -> Vec<MessageId>;
        fn within(scope: &Scope, ids: &[MessageId]) -> Vec<MessageId>;
        fn count_due(now: DateTime<Utc>, scope: &Scope, bound: u32) -> u32;
        fn next_due_at() -> Option<DateTime<Utc>>;
        fn stats(scope: &Scope, limits: &Limits, now: DateTime<Utc>) -> Stats;
        fn limit_free_at(owner: Option<&OwnerId>, limits: &Limits, now: DateTime<Utc>) -> Option<DateTime<Utc>>;
    }
    DuplicateReader {
        fn taken(keys: &[String], window: DuplicateWindow) -> Vec<String>;
    }
    LeaseReader {
        fn holder(lease: LeaseId) -> Option<LeaseHolder>;
    }
    ContactStore {
        fn upsert_contacts(contacts: &[Contact], now: DateTime<Utc>) -> ();
        fn contacts(ids: &[ContactId]) -> Vec<Contact>;
        fn contacts_by_phone(numbers: &[PhoneNumber]) -> Vec<Contact>;
        fn contacts_by_psid(psids: &[String]) -> Vec<Contact>;
        fn search_contacts(scope: &Scope, text: &str, limit: u32) -> Vec<Contact>;
        fn opted_out(channel: Channel, keys: &[String]) -> Vec<String>;
    }
    TemplateStore {
        fn templates() -> Vec<Template>;
        fn template(key: &TemplateKey) -> Option<Template>;
        fn insert_template(template: &Template) -> bool;
        fn update_template(template: &Template) -> bool;
        fn delete_template(key: &TemplateKey) -> bool;
    }
    JobStore {
        fn insert_job(job: &Job) -> ();
        fn jobs(scope: &Scope, filter: &JobFilter, page: u32, page_size: u32) -> JobPage;
        fn job(id: JobId, scope: &Scope) -> Option<JobView>;
        fn job_history(id: JobId) -> Vec<JobEntry>;
        fn save_job(from: JobStatus, job: &Job, entry: &JobEntry) -> bool;
    }
    InsightReader {
        fn created(scope: &Scope, bounds: &[DateTime<Utc>]) -> Vec<SpanCount>;
        fn outcomes(scope: &Scope, since: DateTime<Utc>, limit: u32) -> Vec<ChannelCount>;
        fn depth(scope: &Scope, now: DateTime<Utc>) -> Vec<Depth>;
        fn busiest_owners(scope: &Scope, now: DateTime<Utc>, limit: u32) -> Vec<OwnerUse>;
        fn owner_names(ids: &[OwnerId]) -> BTreeMap<OwnerId, String>;
        fn stuck(scope: &Scope, limit: u32) -> Vec<StuckGroup>;
    }
    AuditLog {
        fn record(entries: &[AuditEntry]) -> ();
        fn audit(request: &AuditRequest) -> Vec<AuditEntry>;
    }
    RunStore {
        fn circuit() -> SharedCircuit;
        fn save_circuit(circuit: &SharedCircuit) -> bool;
        fn end_run(run: &RunRecord) -> ();
        fn runs(limit: u32) -> Vec<RunRecord>;
    }
}
