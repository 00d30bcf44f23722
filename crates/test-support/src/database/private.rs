//! A server for one test alone.
use embedded_postgres::{Config, EmbeddedPostgres};
use tokio_postgres::Client;

use super::{must, template};
use crate::cluster;

const DATABASE: &str = "outbound";

/// A whole PostgreSQL with one migrated database; gone when dropped.
#[derive(Debug)]
pub struct PrivateCluster {
    /// The server, to be halted, resumed and restarted. Its URL stays the same.
    pub server: EmbeddedPostgres,
    url: String,
}

impl PrivateCluster {
    /// Starts it with the given settings: [`Config::throwaway_durable`] for benchmarks, for instance.
    pub async fn start(config: Config) -> Self {
        let server = EmbeddedPostgres::start(config.bin_dir(cluster::bin_dir())).await;
        let server = must("start a PostgreSQL for this test", server);
        must("create a test's database", server.address().create_database(DATABASE).await);
        let url = server.url(DATABASE);
        let cluster = Self { server, url };
        template::migrate(&cluster.connect().await).await;
        cluster
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A plain connection.
    pub async fn connect(&self) -> Client {
        must("connect to a test's database", self.server.address().connect(DATABASE).await)
    }
}
