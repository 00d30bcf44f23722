//! The shortest run that has every fault in it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use chaos::{Options, run};

/// Half a minute of everything that `just chaos` does for ten. Another seed: `CHAOS_SEED=7`.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_minute_of_chaos_breaks_no_promise() {
    let seed = std::env::var_os("CHAOS_SEED").and_then(|seed| seed.to_str()?.parse().ok()).unwrap_or(20);
    let options = Options::new(server(), Duration::from_secs(30), seed).short();
    let report = run(options).await.unwrap();
    assert!(report.passed(), "{report}");
    println!("{report}");
}

/// The server's binary: `OUTBOUND_BIN`, or the one that was built with this test, or one that is built now.
fn server() -> PathBuf {
    if let Some(binary) = std::env::var_os("OUTBOUND_BIN") {
        return binary.into();
    }
    // target/debug/deps/it-0123 -> target/debug/outbound
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "-p", "app", "--bin", "outbound"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.file_name().is_some_and(|profile| profile == "release") {
        build.arg("--release");
    }
    let binary = folder.join("outbound");
    if !binary.exists() {
        assert!(build.status().unwrap().success(), "the server can't be built");
    }
    binary
}
