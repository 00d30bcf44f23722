//! The database: the one that `DATABASE_URL` names, or a private one.

use anyhow::Context as _;
use embedded_postgres::{Config, EmbeddedPostgres};

use crate::data_dir::DataDir;
use crate::settings::DatabaseSettings;

/// The private PostgreSQL's database.
const NAME: &str = "outbound";

/// A database that can be connected to.
pub struct Database {
    url: String,
    private: Option<EmbeddedPostgres>,
}

impl Database {
    /// The database that the settings name; without one, starts a private PostgreSQL in the folder.
    pub async fn open(settings: &DatabaseSettings, data_dir: &DataDir) -> anyhow::Result<Self> {
        if let Some(url) = &settings.url {
            return Ok(Self { url: url.clone(), private: None });
        }
        // One connection more than the pool for the listener, some for whoever looks in with psql.
        let connections = settings.pool_size + 20;
        let config = Config::persistent(data_dir.path())
            .bin_dir(settings.pg_bin_dir.clone())
            .setting("max_connections", connections.to_string());
        let server = EmbeddedPostgres::start(config).await.context("the private PostgreSQL did not start")?;
        server.address().create_database(NAME).await.context("cannot create the database")?;
        tracing::info!(folder = %server.folder().display(), "a private PostgreSQL is running");
        Ok(Self { url: server.url(NAME), private: Some(server) })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the private PostgreSQL, if it is one.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.private {
            Some(server) => server.stop().await.context("the private PostgreSQL did not stop"),
            None => Ok(()),
        }
    }
}
