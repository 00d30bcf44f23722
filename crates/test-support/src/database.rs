//! A fresh, migrated database for each test.
mod private;
mod template;

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use embedded_postgres::{Address, Config};
use tokio_postgres::Client;

pub use private::PrivateCluster;

use crate::cluster;

/// A database of its own on the run's shared server, dropped with this value.
///
/// ```no_run
/// # async fn example() {
/// let database = test_support::database::TestDatabase::create().await;
/// let client = database.connect().await;
/// client.batch_execute("select 1").await.unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct TestDatabase {
    address: Address,
    name: String,
    url: String,
}

impl TestDatabase {
    /// A database with all migrations applied: a copy of a template that is built once a run.
    pub async fn create() -> Self {
        let address = cluster::shared().await;
        let template = template::ensure(&address).await;
        // Copying files beats replaying them through the log by a factor of three to fifteen.
        Self::make(address, &format!("template {template} strategy file_copy")).await
    }

    /// A database without any table, for tests of the migrations themselves.
    pub async fn create_empty() -> Self {
        Self::make(cluster::shared().await, "template template0 strategy file_copy").await
    }

    /// A whole PostgreSQL of its own with one migrated database, to be restarted or killed.
    pub async fn private_cluster() -> PrivateCluster {
        PrivateCluster::start(Config::throwaway()).await
    }

    async fn make(address: Address, options: &str) -> Self {
        let name = unique_name();
        let admin = must("reach the tests' PostgreSQL", address.connect("postgres").await);
        let created = admin.batch_execute(&format!("create database {name} {options}")).await;
        must("create a test's database", created);
        Self { url: address.url(&name), address, name }
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A plain connection, to look behind the back of the code under test.
    pub async fn connect(&self) -> Client {
        must("connect to a test's database", self.address.connect(&self.name).await)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (address, name) = (self.address.clone(), self.name.clone());
        // The test's runtime cannot be waited for in here, so the farewell has a thread and a runtime of its
        // own. Databases are in memory: hundreds of them would fill it, hence not left to the run's end.
        let farewell = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let admin = address.connect("postgres").await.ok()?;
                admin.batch_execute(&format!("drop database if exists {name} with (force)")).await.ok()
            })
        });
        let _ = farewell.join();
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Process numbers come round again in a long run; the time does not.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    format!("t_{}_{number}_{nanos}", std::process::id())
}

/// The value, or the end of the test: it cannot go on without its database.
#[expect(clippy::panic, reason = "a machine that cannot run the test must fail it, with the reason")]
#[track_caller]
pub(crate) fn must<T, E: Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("cannot {what}: {error}"),
    }
}
