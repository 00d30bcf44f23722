//! Processes of an earlier server on the same folder.
//!
//! After a `kill -9` of the application the old guard needs a moment to end its server; after one of the
//! server, its workers do. Starting a second server beside them would destroy the data, and PostgreSQL's own
//! check (`postmaster.pid`) can be fooled by a process number that was given out again. So every process
//! carries a tag (see `cluster_name`), and we start only when none is left.
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{At, StartError};
use crate::place::Place;
use crate::wait;

/// What a guard needs; a server that is busy stopping does not mind being told so again.
const PATIENCE: Duration = Duration::from_secs(1);
const SHUTDOWN: Duration = Duration::from_secs(30);
const CRASH: Duration = Duration::from_secs(5);

/// Waits until nothing of an earlier server runs, helping with signals, then removes what it left.
pub(crate) async fn clear(place: &Place) -> Result<(), StartError> {
    let tag = place.tag();
    let gone = || running(&tag).is_empty();
    if !wait::until(PATIENCE, gone).await {
        // Its guard must have been killed, so nobody else will stop it.
        for (signal, limit) in [(Signal::SIGINT, SHUTDOWN), (Signal::SIGQUIT, CRASH)] {
            if let Some(pid) = postmaster_pid(&place.data()).filter(|pid| running(&tag).contains(pid)) {
                let _ = kill(Pid::from_raw(pid), signal);
            }
            if wait::until(limit, gone).await {
                break;
            }
        }
        let pids = running(&tag);
        if !pids.is_empty() {
            return Err(StartError::StillRunning { data: place.data(), pids });
        }
    }
    // Safe now, and needed: a stale number may belong to a stranger by now, and a stale socket looks ready.
    remove(&place.data().join("postmaster.pid"))?;
    remove(&place.socket_dir.join(".s.PGSQL.5432"))?;
    remove(&place.socket_dir.join(".s.PGSQL.5432.lock"))
}

/// The process number in the first line of `postmaster.pid`.
pub(crate) fn postmaster_pid(data: &Path) -> Option<i32> {
    fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

fn remove(path: &Path) -> Result<(), StartError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

/// All processes with `tag` in their command line.
fn running(tag: &str) -> Vec<i32> {
    if let Ok(processes) = fs::read_dir("/proc") {
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        return numbers.filter(|pid: &i32| carries(*pid, tag)).collect();
    }
    // macOS has no /proc.
    let Ok(output) = Command::new("ps").args(["-axww", "-o", "pid=,command="]).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| line.contains(tag));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

fn carries(pid: i32, tag: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.windows(tag.len()).any(|part| part == tag.as_bytes()))
}
