//! The database: the one that `DATABASE_URL` names, or a private one.

use anyhow::{Context as _, bail};
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

    /// As [`Database::open`], for a command beside a server: a private PostgreSQL that runs already is used, and
    /// none is made where there is none.
    pub async fn attach(settings: &DatabaseSettings, data_dir: &DataDir) -> anyhow::Result<Self> {
        if settings.url.is_none() && !data_dir.path().exists() {
            bail!(
                "DATABASE_URL is not set, and there is no private PostgreSQL in {}: name its folder by --data-dir",
                data_dir.path().display()
            );
        }
        Self::attach_or_open(settings, data_dir).await
    }

    /// As [`Database::open`], but a private PostgreSQL that runs already is used.
    pub async fn attach_or_open(settings: &DatabaseSettings, data_dir: &DataDir) -> anyhow::Result<Self> {
        if settings.url.is_none()
            && let Some(address) = embedded_postgres::running(data_dir.path()).await
        {
            return Ok(Self { url: address.url(NAME), private: None });
        }
        Self::open(settings, data_dir).await
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
