//! The stores in PostgreSQL, as the server uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use chrono::TimeDelta;
use http_api::Readiness;
use storage_pg::{Listener, Observer, PgStore, PoolSettings};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::settings::DatabaseSettings;

/// The wait before it is tried again to listen.
const LISTEN_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// How many connections a command takes at most.
const COMMAND_POOL: u32 = 2;

/// A migrated database, and the connections to it.
#[derive(Clone)]
pub struct Storage {
    /// The stores.
    pub store: PgStore,
    /// Where the database is.
    pub url: String,
}

impl Storage {
    /// Brings the database's tables up to date and connects to it.
    pub async fn open(url: &str, settings: &DatabaseSettings) -> anyhow::Result<Self> {
        let applied = migrate(url).await?;
        if !applied.is_empty() {
            tracing::info!(migrations = applied.len(), "the database's tables were brought up to date");
        }
        Self::connect(url, settings.pool_size).await
    }

    /// Connects to a database whose tables must be up to date, and are left as they are.
    pub async fn attach(url: &str) -> anyhow::Result<Self> {
        let pending = pending_migrations(url).await?;
        if !pending.is_empty() {
            bail!("the database lacks {} migrations: run `outbound migrate`", pending.len());
        }
        Self::unchecked(url).await
    }

    /// Connects to a database in whatever state it is.
    pub async fn unchecked(url: &str) -> anyhow::Result<Self> {
        Self::connect(url, COMMAND_POOL).await
    }

    async fn connect(url: &str, pool_size: u32) -> anyhow::Result<Self> {
        let size = usize::try_from(pool_size).unwrap_or(usize::MAX);
        let store =
            PgStore::connect(PoolSettings::new(url, size)).await.context("cannot reach the database")?;
        Ok(Self { store, url: url.to_owned() })
    }

    /// The same, with an observer of what the store does.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { store: self.store.clone().observed_by(observer), url: self.url.clone() }
    }
}

/// Brings the database's tables up to date; answers what was applied.
pub async fn migrate(url: &str) -> anyhow::Result<Vec<String>> {
    storage_pg::migrate(url).await.context("the database's tables could not be brought up to date")
}

/// The migrations that the database lacks. Changes nothing.
pub async fn pending_migrations(url: &str) -> anyhow::Result<Vec<String>> {
    storage_pg::pending_migrations(url).await.context("cannot reach the database")
}

/// Wakes the worker whenever the database says that something may be due, until the process is to stop.
pub(crate) async fn listen(storage: Storage, engine: Engine, wake: Arc<Notify>) {
    let forward = async {
        loop {
            match Listener::connect(&storage.url).await {
                Ok(listener) => loop {
                    listener.woken().await;
                    wake.notify_one();
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot listen for due messages; polling goes on meanwhile")
                }
            }
            engine.clock.sleep(LISTEN_AGAIN).await;
        }
    };
    tokio::select! {
        () = engine.shutdown.begun() => {}
        () = forward => {}
    }
}

/// Whether the database can serve requests.
pub(crate) struct Ready {
    storage: Storage,
    /// Once it is migrated it stays so.
    migrated: AtomicBool,
}

impl Ready {
    pub(crate) const fn new(storage: Storage) -> Self {
        Self { storage, migrated: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Readiness for Ready {
    async fn ready(&self) -> Result<(), String> {
        let unreachable = |error| {
            tracing::warn!(%error, "not ready");
            "the database can't be reached".to_owned()
        };
        if self.migrated.load(Ordering::Relaxed) {
            return self.storage.store.ping().await.map_err(unreachable);
        }
        let pending = storage_pg::pending_migrations(&self.storage.url).await.map_err(unreachable)?;
        if !pending.is_empty() {
            return Err("the database is not migrated".to_owned());
        }
        self.migrated.store(true, Ordering::Relaxed);
        Ok(())
    }
}
