//! What the rules need of the outside, as narrow traits. Adapters implement them; tests use those in memory.

pub mod audit;
pub mod callback;
pub mod clock;
pub mod contacts;
pub mod duplicates;
pub mod error;
pub mod gateway;
pub mod housekeeping;
pub mod idempotency;
pub mod insight;
pub mod jobs;
pub mod leases;
pub mod messages;
pub mod reader;
pub mod runs;
pub mod templates;

pub use audit::{AuditLog, AuditRequest};
pub use callback::{
    CallbackDecoder, CallbackError, CallbackItemError, DecodedCallbacks, MAX_CALLBACKS, SignatureError,
    Trust, WebhookHeaders,
};
pub use clock::{Clock, Entropy};
pub use contacts::ContactStore;
pub use duplicates::DuplicateReader;
pub use error::StoreError;
pub use gateway::{DeliveryGateway, HandOff, HandOffAnswer};
pub use housekeeping::Housekeeping;
pub use idempotency::{Begin, Claim, Idempotency, Reserved, StoredAnswer, UnitOfWork};
pub use insight::{ChannelCount, Depth, InsightReader, OwnerUse, SpanCount, StuckGroup};
pub use jobs::{JobFilter, JobPage, JobStore, JobView};
pub use leases::LeaseReader;
pub use messages::{
    DuplicateWindow, LeaseMode, LeaseRequest, Leased, MessageStore, NewMessage, Portions, Saved,
};
pub use reader::{Detail, Filter, ListPage, ListRequest, MessageReader, Page, Stats, Total};
pub use runs::{RunRecord, RunStore, SharedCircuit};
pub use templates::{Template, TemplateStore};

/// Every store at once: what a use case works against, be it the whole database or one transaction.
pub trait Stores:
    MessageStore
    + MessageReader
    + DuplicateReader
    + LeaseReader
    + ContactStore
    + TemplateStore
    + JobStore
    + RunStore
    + AuditLog
    + InsightReader
{
}

impl<T> Stores for T where
    T: MessageStore
        + MessageReader
        + DuplicateReader
        + LeaseReader
        + ContactStore
        + TemplateStore
        + JobStore
        + RunStore
        + AuditLog
        + InsightReader
{
}
