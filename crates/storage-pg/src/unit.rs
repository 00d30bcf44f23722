//! One transaction on one connection.

use std::sync::Arc;

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use domain::ports::StoreError;
use tokio::sync::Mutex;

use crate::error::of_statement;
use crate::pool;
use crate::store::{PgStore, Source};

/// A transaction. Dropped before it is committed, it is rolled back.
pub(crate) struct Unit {
    /// The stores, all of which are inside it.
    pub(crate) store: PgStore,
}

impl Unit {
    /// Begins one.
    pub(crate) async fn begin(store: &PgStore) -> Result<Self, StoreError> {
        let Source::Pool(pool) = &store.source else {
            return Err(StoreError::Refused("a transaction inside a transaction".to_owned()));
        };
        let mut connection = pool::checkout(pool).await?;
        AnsiTransactionManager::begin_transaction(&mut *connection).await.map_err(of_statement)?;
        let store = PgStore {
            source: Source::Transaction(Arc::new(Mutex::new(Some(connection)))),
            waker: store.waker.for_transaction(),
            merger: store.merger.clone(),
            observer: store.observer.clone(),
            groups: None,
            due_count: store.due_count.clone(),
            expectations: store.expectations.clone(),
            terms: store.terms.clone(),
        };
        Ok(Self { store })
    }

    /// Commits it.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        {
            let mut connection = self.store.connection().await?;
            AnsiTransactionManager::commit_transaction(&mut *connection).await.map_err(of_statement)?;
        }
        drop(self.take_connection());
        self.store.waker.committed();
        Ok(())
    }

    /// The connection, for good.
    fn take_connection(&self) -> Option<Object<AsyncPgConnection>> {
        match &self.store.source {
            Source::Pool(_) => None,
            // Nobody else holds the lock: the stores borrow from this value.
            Source::Transaction(shared) => shared.try_lock().ok().and_then(|mut slot| slot.take()),
        }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let Some(mut connection) = self.take_connection() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if AnsiTransactionManager::rollback_transaction(&mut *connection).await.is_err() {
                    // Closed rather than reused: the server rolls back what it was told.
                    drop(Object::take(connection));
                }
            })),
            Err(_) => drop(Object::take(connection)),
        }
    }
}
