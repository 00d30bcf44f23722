//! What stays behind when the application is killed: nothing, and its data.
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use embedded_postgres::{Address, Config, EmbeddedPostgres, start_detached};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::processes::{companions_of, lives};
use crate::scratch::{Scratch, eventually};

const FOLDER: &str = "OUTBOUND_TEST_HOLD_FOLDER";

/// Not a test: the process that the tests below kill. It holds a server until it dies.
#[tokio::test]
#[ignore = "run as a process of its own by other tests"]
async fn holder() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let config = if folder.is_empty() { Config::throwaway() } else { Config::persistent(folder) };
    let server = EmbeddedPostgres::start(config).await.unwrap();
    println!("\nready {} {}", server.postmaster_pid().unwrap(), server.folder().display());
    std::future::pending::<()>().await;
}

struct Holder {
    process: Child,
    postmaster: i32,
    folder: String,
}

fn hold(folder: &Path) -> Holder {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "death::holder", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready =
        lines.map(Result::unwrap).find(|line| line.starts_with("ready ")).expect("the holder is ready");
    let mut words = ready.split(' ').skip(1);
    let postmaster = words.next().unwrap().parse().unwrap();
    Holder { process, postmaster, folder: words.next().unwrap().to_owned() }
}

impl Holder {
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // For a test that failed before it came to `kill`.
        let _ = self.process.kill();
    }
}

#[tokio::test]
async fn kill_9_of_the_application_leaves_no_server_and_no_throwaway_folder() {
    let mut holder = hold(Path::new(""));
    assert!(lives(holder.postmaster));
    holder.kill();
    eventually("the server is gone", || !lives(holder.postmaster)).await;
    eventually("its folder is gone", || !Path::new(&holder.folder).exists()).await;
}

#[tokio::test]
async fn a_start_right_after_kill_9_waits_for_the_old_server() {
    let scratch = Scratch::new("killed");
    let mut last = None;
    for _ in 0..3 {
        let mut holder = hold(scratch.path());
        assert_ne!(last, Some(holder.postmaster));
        last = Some(holder.postmaster);
        holder.kill();
    }
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_orphan_whose_guard_was_killed_too_is_stopped_by_the_next_start() {
    let scratch = Scratch::new("orphan");
    let mut holder = hold(scratch.path());
    // Should this test be killed in the middle, its end closes the pipe and the orphan is stopped after all.
    let mut safety_net = Command::new("sh")
        .args(["-c", "read _; kill -QUIT \"$1\"", "sh", &holder.postmaster.to_string()])
        .stdin(Stdio::piped())
        .process_group(0)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A worker that was just forked is in the group for a moment, before it opens a session of its own.
    eventually("only guard and watcher", || companions_of(holder.postmaster).len() == 2).await;
    for guard in companions_of(holder.postmaster) {
        kill(Pid::from_raw(guard), Signal::SIGKILL).unwrap();
    }
    holder.kill();
    assert!(lives(holder.postmaster), "nobody is left to stop it");
    let server = EmbeddedPostgres::start(Config::persistent(scratch.path())).await.unwrap();
    assert!(!lives(holder.postmaster));
    server.stop().await.unwrap();
    // Closes the pipe first.
    safety_net.wait().unwrap();
}

#[tokio::test]
async fn a_detached_server_ends_with_the_process_it_follows() {
    let mut followed = Command::new("sleep").arg("1000").spawn().unwrap();
    let address: Address = start_detached(Config::throwaway(), followed.id()).await.unwrap();
    let folder = address.socket_dir().parent().unwrap().to_owned();
    assert!(address.connect("postgres").await.is_ok());
    followed.kill().unwrap();
    // Deliberately not collected: a dead process whose number is still taken counts as gone.
    eventually("the folder is gone", || !folder.exists()).await;
    followed.wait().unwrap();
}
