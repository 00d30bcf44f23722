//! A request that comes twice is done once (contract §10, `Idempotency-Key`).

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{StoreError, Stores};

/// A request that carries an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: String,
    /// Method and path.
    pub route: String,
    /// Who asks.
    pub actor: String,
    /// A digest of the body.
    pub fingerprint: Vec<u8>,
    /// Now.
    pub now: DateTime<Utc>,
    /// When the key may be forgotten.
    pub expires_at: DateTime<Utc>,
}

/// The first answer, as the HTTP side wrote it; opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer(pub String);

/// What came of opening a unit of work under a claim.
pub enum Begin {
    /// The key is new: do the work in this transaction, then commit its answer with it.
    Fresh(Box<dyn UnitOfWork>),
    /// It was done: this was the answer.
    Replay(StoredAnswer),
    /// The key was used for another body.
    OtherBody,
    /// The first request is still at work.
    Running,
}

/// What came of reserving a key for work that can't be one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The key is new: do the work, then finish it with its answer.
    Fresh,
    /// It was done: this was the answer.
    Replay(StoredAnswer),
    /// The key was used for another body.
    OtherBody,
    /// The first request is still at work, or its process died.
    Running,
}

/// One transaction; dropped without a commit, nothing of it was done.
#[async_trait]
pub trait UnitOfWork: Send + Sync {
    /// The stores, inside the transaction.
    fn stores(&self) -> &dyn Stores;
    /// Commits, with the answer to the request that claimed a key, all or nothing.
    async fn commit(self: Box<Self>, answer: StoredAnswer) -> Result<(), StoreError>;
}

/// Keys and their answers.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Takes the key, where there is one, and opens a transaction; a second request with the key waits a little for
    /// the first. Without a claim it is always fresh, and the answer is not kept.
    async fn begin(&self, claim: Option<&Claim>) -> Result<Begin, StoreError>;
    /// Takes the key for work that is no transaction (a dispatch talks to N8N).
    async fn reserve(&self, claim: &Claim) -> Result<Reserved, StoreError>;
    /// Keeps the answer of reserved work.
    async fn finish(&self, claim: &Claim, answer: StoredAnswer) -> Result<(), StoreError>;
    /// Frees the key of reserved work that failed, so that the request can be sent again.
    async fn release(&self, claim: &Claim) -> Result<(), StoreError>;
}
