//! What the database's server says of itself: for whoever looks for the cause of a trouble.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::ports::StoreError;

use crate::error::of_statement;
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Its clock, which goes on within a transaction, and its version.
    AskServer {} -> (Timestamptz, Text),
    Sql("select clock_timestamp(), current_setting('server_version')")
}

/// The database's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseServer {
    /// Its clock.
    pub now: DateTime<Utc>,
    /// Its version, such as `15.13`.
    pub version: String,
}

impl PgStore {
    /// Asks the database's server about itself.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn server(&self) -> Result<DatabaseServer, StoreError> {
        let mut connection = self.connection().await?;
        let (now, version) = AskServer {}.get_result(&mut *connection).await.map_err(of_statement)?;
        Ok(DatabaseServer { now, version })
    }
}
