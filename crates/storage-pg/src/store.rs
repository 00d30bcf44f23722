//! The store: every port over one source of connections.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::ports::StoreError;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::error::of_statement;
use crate::groups::Groups;
use crate::merge::Merger;
use crate::monitor::Observer;
use crate::pool::{self, PoolSettings};
use crate::reader::{DueCount, Expectations};
use crate::terms::KnownTerms;
use crate::wake::Waker;

/// Every store, over the pool or inside one transaction. Clones share it.
#[derive(Clone)]
pub struct PgStore {
    pub(crate) source: Source,
    pub(crate) waker: Waker,
    pub(crate) merger: Merger,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// What is done together with what others ask for; `None` inside a transaction.
    pub(crate) groups: Option<Arc<Groups>>,
    /// How many were due a moment ago, where they were many.
    pub(crate) due_count: Arc<DueCount>,
    /// What the planner expected a moment ago.
    pub(crate) expectations: Arc<Expectations>,
    /// What messages need not store, as their templates have it.
    pub(crate) terms: KnownTerms,
}

/// Where the connections come from.
#[derive(Clone)]
pub(crate) enum Source {
    /// Any of the pool, for each call.
    Pool(Pool<AsyncPgConnection>),
    /// The one that the transaction is on; `None` once it is over.
    Transaction(Arc<Mutex<Option<Object<AsyncPgConnection>>>>),
}

/// A connection for the time of one call.
pub(crate) enum Connection<'a> {
    Pooled(Box<Object<AsyncPgConnection>>),
    Shared(MappedMutexGuard<'a, Object<AsyncPgConnection>>),
}

impl Deref for Connection<'_> {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        match self {
            Self::Pooled(object) => object,
            Self::Shared(guard) => guard,
        }
    }
}

impl DerefMut for Connection<'_> {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match self {
            Self::Pooled(object) => object,
            Self::Shared(guard) => guard,
        }
    }
}

impl PgStore {
    /// Makes the pool and tries one connection. Needs a tokio runtime.
    pub async fn connect(settings: PoolSettings) -> Result<Self, StoreError> {
        let pool = pool::build(&settings)?;
        let store = Self {
            waker: Waker::start(pool.clone()),
            merger: Merger::start(pool.clone()),
            source: Source::Pool(pool),
            observer: None,
            groups: None,
            due_count: Arc::default(),
            expectations: Arc::default(),
            terms: KnownTerms::default(),
        };
        store.ping().await?;
        Ok(Self { groups: Some(Arc::new(Groups::new(&store))), ..store })
    }

    /// The same store, which tells an observer what it does.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection().await?.batch_execute("select 1").await.map_err(of_statement)
    }

    /// A connection for one call.
    pub(crate) async fn connection(&self) -> Result<Connection<'_>, StoreError> {
        match &self.source {
            Source::Pool(pool) => Ok(Connection::Pooled(Box::new(pool::checkout(pool).await?))),
            Source::Transaction(shared) => MutexGuard::try_map(shared.lock().await, Option::as_mut)
                .map(Connection::Shared)
                .map_err(|_| StoreError::Refused("the transaction is over".to_owned())),
        }
    }
}
