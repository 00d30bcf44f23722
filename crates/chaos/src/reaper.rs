//! Nothing outlives the harness: a small shell process ends the servers when the harness is killed itself.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

const SCRIPT: &str = include_str!("reaper.sh");

/// Kills, by their ids, whatever it still watches when the harness ends in any way.
#[derive(Debug)]
pub struct Reaper {
    child: Child,
    line: Mutex<Option<ChildStdin>>,
}

impl Reaper {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its own group, so that Ctrl-C does not end it before the harness.
        let mut child = command.process_group(0).spawn().context("cannot run /bin/sh")?;
        let line = Mutex::new(child.stdin.take());
        Ok(Self { child, line })
    }

    /// From now on this process is watched.
    pub fn watch(&self, pid: u32) {
        self.say('+', pid);
    }

    /// This process is gone: its id may belong to somebody else.
    pub fn forget(&self, pid: u32) {
        self.say('-', pid);
    }

    fn say(&self, word: char, pid: u32) {
        if let Some(line) = self.line.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = writeln!(line, "{word} {pid}");
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.line.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_watched_is_killed_and_what_was_forgotten_is_not() {
        let sleep = || Command::new("sleep").arg("60").spawn().unwrap();
        let (mut watched, mut forgotten) = (sleep(), sleep());
        let reaper = Reaper::start().unwrap();
        reaper.watch(watched.id());
        reaper.watch(forgotten.id());
        reaper.forget(forgotten.id());
        drop(reaper);
        assert!(!watched.wait().unwrap().success());
        assert!(forgotten.try_wait().unwrap().is_none());
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }
}
