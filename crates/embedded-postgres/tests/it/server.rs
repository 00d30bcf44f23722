//! Starting, stopping, settings, locks.
use std::fs;
use std::os::unix::fs::PermissionsExt;

use embedded_postgres::{Config, EmbeddedPostgres, StartError, StopMode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::processes::lives;
use crate::scratch::{Scratch, eventually};

async fn show(server: &EmbeddedPostgres, setting: &str) -> String {
    let client = server.address().connect("postgres").await.unwrap();
    client.query_one(&format!("show {setting}"), &[]).await.unwrap().get(0)
}

async fn run(server: &EmbeddedPostgres, sql: &str) {
    server.address().connect("outbound").await.unwrap().batch_execute(sql).await.unwrap();
}

async fn count(server: &EmbeddedPostgres) -> i64 {
    let client = server.address().connect("outbound").await.unwrap();
    client.query_one("select count(*) from t", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_throwaway_server_is_fast_private_and_leaves_nothing() {
    let config = Config::throwaway().setting("max_connections", "7").setting("listen_addresses", "*");
    let server = EmbeddedPostgres::start(config).await.unwrap();
    assert_eq!(show(&server, "fsync").await, "off");
    assert_eq!(show(&server, "max_connections").await, "7");
    assert_eq!(
        show(&server, "listen_addresses").await,
        "",
        "never on the network, whatever the settings say"
    );
    assert_eq!(fs::metadata(server.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    server.address().create_database("học phí").await.unwrap();
    server.address().create_database("học phí").await.unwrap();
    let client = server.address().connect("học phí").await.unwrap();
    let lower: String = client.query_one("select lower('ĐÓNG HỌC PHÍ')", &[]).await.unwrap().get(0);
    assert_eq!(lower, "đóng học phí");

    let (pid, folder) = (server.postmaster_pid().unwrap(), server.folder().to_owned());
    drop(client);
    server.stop().await.unwrap();
    assert!(!lives(pid));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_durable_throwaway_server_pays_for_its_commits() {
    let server = EmbeddedPostgres::start(Config::throwaway_durable()).await.unwrap();
    assert_eq!(show(&server, "fsync").await, "on");
    assert_eq!(show(&server, "synchronous_commit").await, "on");
}

#[tokio::test]
async fn data_persists_and_dropping_stops_the_server() {
    let scratch = Scratch::new("persist");
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    assert_eq!(show(&server, "fsync").await, "on");
    server.address().create_database("outbound").await.unwrap();
    run(&server, "create table t (n int); insert into t values (1)").await;
    let pid = server.postmaster_pid().unwrap();
    drop(server);
    assert!(!lives(pid));

    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    server.address().create_database("outbound").await.unwrap();
    assert_eq!(count(&server).await, 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn restarts_of_every_kind_keep_committed_rows() {
    let scratch = Scratch::new("restart");
    let mut server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    server.address().create_database("outbound").await.unwrap();
    run(&server, "create table t (n int)").await;
    for (rows, mode) in [(1, StopMode::Fast), (2, StopMode::Immediate), (3, StopMode::Kill)] {
        run(&server, "insert into t values (1)").await;
        let (url, pid) = (server.url("outbound"), server.postmaster_pid());
        server.restart(mode).await.unwrap();
        assert_eq!(count(&server).await, rows, "{mode:?}");
        assert_eq!(server.url("outbound"), url);
        assert_ne!(server.postmaster_pid(), pid);
    }
    // A server that died by itself comes back the same way.
    let pid = server.postmaster_pid().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    eventually("the server is gone", || !lives(pid)).await;
    server.restart(StopMode::Fast).await.unwrap();
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused() {
    let scratch = Scratch::new("second");
    let first = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    let error = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap_err();
    assert!(matches!(error, StartError::InUse(_)), "{error}");
    assert!(error.to_string().contains("in use by another running server"), "{error}");
    assert_eq!(show(&first, "fsync").await, "on", "the first one goes on");
}

#[tokio::test]
async fn a_long_path_gets_its_socket_elsewhere() {
    let scratch = Scratch::new("long");
    let folder = scratch.path().join("x".repeat(120));
    let server = EmbeddedPostgres::start(Config::persistent(&folder)).await.unwrap();
    let socket_dir = server.socket_dir().to_owned();
    assert!(socket_dir.as_os_str().len() < 60, "{socket_dir:?}");
    assert_eq!(show(&server, "fsync").await, "on");
    server.stop().await.unwrap();
    assert!(!socket_dir.exists());
    assert!(folder.join("postgres/data/PG_VERSION").exists(), "the data stays");
}

#[tokio::test]
async fn a_closed_folder_works_for_root_too() {
    let scratch = Scratch::new("closed");
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..2 {
        let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
        assert_eq!(show(&server, "fsync").await, "on");
        let pointer = scratch.path().join("postgres.location");
        let folder = server.folder().to_owned();
        server.stop().await.unwrap();
        if nix::unistd::geteuid().is_root() {
            assert_eq!(fs::read_to_string(pointer).unwrap().trim_end(), folder.to_str().unwrap());
        }
    }
    if let Ok(folder) = fs::read_to_string(scratch.path().join("postgres.location")) {
        fs::remove_dir_all(folder.trim_end()).unwrap();
    }
}

#[tokio::test]
async fn a_stale_postmaster_pid_is_no_obstacle() {
    let scratch = Scratch::new("stale");
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    let pid_file = server.folder().join("data/postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    server.stop().await.unwrap();
    // As after a power cut, with the number given out again: to us.
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    assert_eq!(show(&server, "fsync").await, "on");
}

#[tokio::test]
async fn a_bad_setting_is_named_at_once() {
    let error = EmbeddedPostgres::start(Config::throwaway().setting("no_such_thing", "1")).await.unwrap_err();
    assert!(matches!(&error, StartError::Exited { log } if log.contains("no_such_thing")), "{error}");
}

#[tokio::test]
async fn missing_programs_are_named_with_the_command_that_installs_them() {
    let scratch = Scratch::new("no-programs");
    let config = Config::throwaway().bin_dir(Some(scratch.path().to_owned()));
    let text = EmbeddedPostgres::start(config).await.unwrap_err().to_string();
    assert!(text.contains("apt-get install postgresql"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let scratch = Scratch::new("version");
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    let version = server.folder().join("data/PG_VERSION");
    server.stop().await.unwrap();
    fs::write(&version, "9\n").unwrap();
    let error = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap_err();
    assert!(error.to_string().contains("apt-get install postgresql-9"), "{error}");
}
