//! The pool of connections.

use std::fmt::Display;
use std::time::Duration;

use deadpool::Runtime;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::ports::StoreError;
use futures_util::FutureExt;
use tokio::runtime::Handle;

use crate::error::{of_connection, of_pool, of_statement};
use crate::tls::{Connected, Target};

/// What every connection of ours is set to.
///
/// The time-outs free what a stopped client holds. Sequential scans are a last resort, because a plan that was made
/// while a table was empty must not survive its growth. Nobody gets helpers: to start them takes longer than most answers,
/// and they would take the processors from the lease. The server's words are asked for in English (where we may),
/// because they tell a busy database from a broken statement.
const SESSION: &str = "
    set application_name = 'outbound';
    set timezone = 'UTC';
    set statement_timeout = '30s';
    set lock_timeout = '5s';
    set idle_in_transaction_session_timeout = '10s';
    set jit = off;
    set max_parallel_workers_per_gather = 0;
    set enable_seqscan = off;
    set random_page_cost = 1.1;
    do $$ begin set lc_messages = 'C'; exception when insufficient_privilege then null; end $$";

/// A connection that rested longer than this is tried before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How the pool is set up.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// `DATABASE_URL`.
    pub url: String,
    /// How many connections at most.
    pub size: usize,
    /// How long a caller waits for a free connection.
    pub wait: Duration,
    /// How long making a connection may take.
    pub create: Duration,
}

impl PoolSettings {
    /// The usual waits: 5 seconds each.
    pub fn new(url: impl Into<String>, size: usize) -> Self {
        let five = Duration::from_secs(5);
        Self { url: url.into(), size, wait: five, create: five }
    }
}

/// Builds the pool; connects to nothing yet. Needs a tokio runtime.
///
/// Connections are driven on that runtime, whoever asks for one. A server's threads have runtimes of their own, and at
/// its end they stop one by one: a connection that was driven on one of them would break under a request that is still
/// under way on another.
pub(crate) fn build(settings: &PoolSettings) -> Result<Pool<AsyncPgConnection>, StoreError> {
    let (target, runtime) = (Target::parse(&settings.url)?, Handle::current());
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let target = target.clone();
        let opening = runtime.spawn(async move { open(&target).await });
        async move {
            let bad = |error: &dyn Display| ConnectionError::BadConnection(error.to_string());
            opening.await.map_err(|error| bad(&error))?.map_err(|error| bad(&error))
        }
        .boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(settings.url.clone(), config))
        .max_size(settings.size.max(1))
        .wait_timeout(Some(settings.wait))
        .create_timeout(Some(settings.create))
        .recycle_timeout(Some(settings.create))
        .runtime(Runtime::Tokio1)
        .pre_recycle(try_rested())
        .build()
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// A connection that works, as far as can be told.
pub(crate) async fn checkout(
    pool: &Pool<AsyncPgConnection>,
) -> Result<Object<AsyncPgConnection>, StoreError> {
    match pool.get().await {
        Ok(object) => Ok(object),
        // The server may have gone and come back between the two.
        Err(PoolError::Backend(_)) => pool.get().await.map_err(|error| of_pool(&error)),
        Err(error) => Err(of_pool(&error)),
    }
}

/// Before a connection is used again: one that rested is tried, and replaced if it fails, for a server that was
/// restarted leaves a pool full of dead ones.
fn try_rested() -> Hook<AsyncPgConnection> {
    Hook::async_fn(|connection: &mut AsyncPgConnection, metrics| {
        Box::pin(async move {
            if metrics.last_used() < FRESH {
                return Ok(());
            }
            connection.batch_execute("").await.map_err(|error| HookError::message(error.to_string()))
        })
    })
}

/// Opens one connection and sets it up.
pub(crate) async fn open(target: &Target) -> Result<AsyncPgConnection, StoreError> {
    let mut connection = target.connect(Diesel).await?;
    connection.batch_execute(SESSION).await.map_err(of_statement)?;
    Ok(connection)
}

/// Hands a new connection to diesel, which drives it and keeps its notifications.
struct Diesel;

impl Connected for Diesel {
    type Answer = AsyncPgConnection;

    async fn accept<S>(
        self,
        client: tokio_postgres::Client,
        connection: tokio_postgres::Connection<tokio_postgres::Socket, S>,
    ) -> Result<AsyncPgConnection, StoreError>
    where
        S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
    {
        AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(|error| of_connection(&error))
    }
}
