//! One PostgreSQL for all tests of a run.
//!
//! `cargo nextest` runs each test in a process of its own, `cargo test` runs them as threads. Both have one
//! parent, the runner, whose number names the cluster's folder: the first test to come starts the server, the
//! others find it, and its guard ends it and removes the folder once the runner is gone, killed or not.
use std::fs::{self, File};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use embedded_postgres::{Address, Config, Storage, claim_private_folder, start_detached, throwaway_parent};

use crate::database::must;

/// The server of this test run, started if this is the first test to ask.
pub async fn shared() -> Address {
    let runner = runner();
    let folder = throwaway_parent().join(format!("outbound-tests-{runner}"));
    must("claim the folder of the tests' PostgreSQL", claim_private_folder(&folder));
    let lock = must("open the lock of the tests' PostgreSQL", File::create(folder.join("starting")));
    // On a thread of its own: the wait for another test that starts the server may take a second.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    let _lock = must("lock the tests' PostgreSQL", must("wait for the lock", lock.await));

    let note = folder.join("address");
    if let Ok(socket_dir) = fs::read_to_string(&note) {
        let address = Address::in_folder(socket_dir);
        // A folder left by a run that nobody could clean up, with the same number, has a dead server.
        if address.connect("postgres").await.is_ok() {
            return address;
        }
    }
    let config =
        with_room_for_many_tests(Config::new(Storage::Throwaway { folder: Some(folder), durable: false }));
    let address = must("start PostgreSQL for the tests", start_detached(config, runner).await);
    must("note the address of the tests' PostgreSQL", fs::write(note, path_text(address.socket_dir())));
    address
}

/// The programs to use: those of `PG_BIN_DIR`, or whatever the machine has.
pub(crate) fn bin_dir() -> Option<PathBuf> {
    std::env::var_os("PG_BIN_DIR").map(PathBuf::from)
}

fn with_room_for_many_tests(config: Config) -> Config {
    config.bin_dir(bin_dir()).setting("max_connections", "300").setting("max_wal_size", "512MB")
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// The process whose end is the end of the run.
fn runner() -> u32 {
    let parent = parent_id();
    // Started by hand or by an editor, the parent would live on for days; its number 1 may mean that it died.
    if parent > 1 && is_test_runner(parent) { parent } else { std::process::id() }
}

fn is_test_runner(pid: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok().or_else(|| {
        // macOS has no /proc.
        let output =
            std::process::Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    name.is_some_and(|name| ["cargo", "nextest", "rustdoc"].iter().any(|runner| name.contains(runner)))
}
