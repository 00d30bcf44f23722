//! What everything runs on: one durable PostgreSQL, and server processes as they are released.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use embedded_postgres::{Config, EmbeddedPostgres};
use tokio_postgres::Client;

/// How PostgreSQL is set up, for ours and for raw alike: durable, and with room for the deep queues.
const POSTGRES: &[(&str, &str)] = &[
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("maintenance_work_mem", "1GB"),
    ("max_connections", "200"),
    // As it is by default; said here because every figure rests on it.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rounds of each case.
    pub rounds: usize,
    /// Seconds of each round.
    pub seconds: u64,
    /// The depth of the deep queues.
    pub deep: u32,
    /// How many settled messages lie beside the queue, and how many the lists have.
    pub wide: u32,
}

impl Size {
    /// The whole measure.
    pub const FULL: Self = Self { rounds: 3, seconds: 5, deep: 1_000_000, wide: 5_000_000 };
    /// A quick look.
    pub const QUICK: Self = Self { rounds: 1, seconds: 2, deep: 100_000, wide: 200_000 };

    /// The time of a round.
    pub const fn time(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// The machine room.
pub struct World {
    /// The database server.
    pub postgres: EmbeddedPostgres,
    /// The binary that is measured.
    pub binary: PathBuf,
    /// For scripts and logs; removed at the end.
    pub folder: PathBuf,
    /// How much is measured.
    pub size: Size,
}

impl World {
    /// Starts PostgreSQL.
    pub async fn start(binary: PathBuf, size: Size) -> anyhow::Result<Self> {
        anyhow::ensure!(binary.exists(), "there is no {}: cargo build --release -p app", binary.display());
        let programs = std::env::var_os("PG_BIN_DIR").map(PathBuf::from);
        let config = Config::throwaway_durable().bin_dir(programs);
        let config = POSTGRES.iter().fold(config, |config, (name, value)| config.setting(*name, *value));
        let postgres = EmbeddedPostgres::start(config).await?;
        let folder = std::env::temp_dir().join(format!("outbound-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { postgres, binary, folder, size })
    }

    /// A plain connection.
    pub async fn client(&self, database: &str) -> anyhow::Result<Client> {
        Ok(self.postgres.address().connect(database).await?)
    }

    /// An empty database of this name.
    pub async fn fresh(&self, database: &str) -> anyhow::Result<()> {
        self.drop(database).await?;
        Ok(self.postgres.address().create_database(database).await?)
    }

    /// Removes a database.
    pub async fn drop(&self, database: &str) -> anyhow::Result<()> {
        let client = self.client("postgres").await?;
        Ok(client.batch_execute(&format!("drop database if exists {database} with (force)")).await?)
    }

    /// What PostgreSQL says of its version.
    pub async fn version(&self) -> anyhow::Result<String> {
        Ok(self.client("postgres").await?.query_one("show server_version", &[]).await?.get(0))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
