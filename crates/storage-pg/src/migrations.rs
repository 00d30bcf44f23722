//! Bringing a database to the schema that this program needs.

use std::time::Duration;

use diesel::OptionalExtension as _;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Array, Text};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use domain::ports::StoreError;

use crate::error::of_statement;
use crate::pool;
use crate::statement::{Sql, statement};
use crate::tls::Target;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// One server process migrates at a time; the others wait, and then find nothing left to do. The two numbers are ours
/// by chance alone.
///
/// Whoever waits for a lock holds up all who come after it, readers too. A migration waits less than the statements
/// of the servers that serve meanwhile (see the pool's `lock_timeout`): then it gives up, and tries again.
const LOCK: &str = "
    set statement_timeout = 0;
    set lock_timeout = 0;
    select pg_advisory_lock(1869968484, 1);
    set lock_timeout = '2s'";
/// How often a migration is tried that can't have its lock.
const TRIES: u32 = 60;
/// How long those are let through that it held up.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

statement! {
    /// The versions that have been applied; no row on an empty database.
    Applied {} -> Array<Text>,
    Sql("select array(select version::text from __diesel_schema_migrations)")
}

statement! {
    /// Whether anything was ever applied.
    Known {} -> diesel::sql_types::Bool,
    Sql("select to_regclass('__diesel_schema_migrations') is not null")
}

/// Applies what is missing, in order, each in a transaction of its own. Any number of processes may call this at once,
/// and servers may serve meanwhile. Answers the versions that this call applied.
///
/// # Errors
/// When the database can't be reached, or a migration fails. One that can't have its lock is tried for three minutes.
pub async fn migrate(url: &str) -> Result<Vec<String>, StoreError> {
    let mut connection = pool::open(&Target::parse(url)?).await?;
    connection.batch_execute(LOCK).await.map_err(of_statement)?;
    let mut connection = Migrating::from(connection);
    let (mut applied, mut tries) = (Vec::new(), 0);
    loop {
        // diesel's migrations block their thread, which on a single-threaded runtime would be the only one. The lock
        // goes with the connection, whatever happens.
        let work = tokio::task::spawn_blocking(move || (next(&mut connection), connection));
        let (done, back) = work.await.map_err(|error| StoreError::Refused(error.to_string()))?;
        connection = back;
        match done {
            Ok(None) => return Ok(applied),
            Ok(Some(version)) => {
                applied.push(version);
                tries = 0;
            }
            Err(error) if tries < TRIES && is_lock_timeout(&*error) => {
                tries += 1;
                tracing::warn!(tries, "a migration waits for a lock that others hold; it is tried again");
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            Err(error) => return Err(refused(&*error)),
        }
    }
}

type Migrating = AsyncConnectionWrapper<AsyncPgConnection>;
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Applies the next migration that is missing; `None` when none is.
fn next(connection: &mut Migrating) -> Result<Option<String>, Failed> {
    if !connection.has_pending_migration(MIGRATIONS)? {
        return Ok(None);
    }
    connection.run_next_migration(MIGRATIONS).map(|version| Some(version.to_string()))
}

/// diesel hides the SQLSTATE; the session asks the server to speak English.
fn is_lock_timeout(error: &(dyn std::error::Error + Send + Sync)) -> bool {
    error.to_string().contains("due to lock timeout")
}

/// The migrations that the database lacks. Changes nothing.
pub async fn pending_migrations(url: &str) -> Result<Vec<String>, StoreError> {
    let mut connection = pool::open(&Target::parse(url)?).await?;
    let known: Option<bool> = Known {}.get_result(&mut connection).await.optional().map_err(of_statement)?;
    let applied: Vec<String> = match known {
        Some(true) => Applied {}.get_result(&mut connection).await.map_err(of_statement)?,
        Some(false) | None => Vec::new(),
    };
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|error| refused(&*error))?;
    let missing = all.iter().filter(|one| !applied.contains(&one.name().version().to_string()));
    Ok(missing.map(|one| one.name().to_string()).collect())
}

fn refused(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Refused(format!("migration: {error}"))
}
