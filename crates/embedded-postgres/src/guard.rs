//! The shell process between us and `postgres`: see `guard.sh`.
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::error::{At, StartError, StopError};
use crate::place::Place;
use crate::wait;

const SCRIPT: &str = include_str!("guard.sh");
/// A fast shutdown writes all changed pages first.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running guard. Dropping it ends the server and waits for that.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
}

impl Guard {
    /// Starts `command` under a guard that follows `follow`, or us by its stdin.
    pub(crate) fn spawn(
        place: &Place,
        command: &[OsString],
        follow: Option<u32>,
    ) -> Result<Self, StartError> {
        let exited = place.exit_status();
        match fs::remove_file(&exited) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("remove", &exited),
            _ => {}
        }
        // Begun anew with each server, so that it cannot grow for ever.
        let log = File::create(place.log()).at("create", &place.log())?;
        let shell = Path::new("/bin/sh");
        let mut guard = place.account.command(shell);
        guard.arg("-c").arg(SCRIPT).arg("outbound-postgres-guard");
        guard.arg(follow.unwrap_or(0).to_string()).arg(&exited);
        guard.arg(place.remove.len().to_string()).args(&place.remove).args(command);
        guard.stdin(if follow.is_some() { Stdio::null() } else { Stdio::piped() });
        // Nothing of ours is inherited: a pipe behind our output must end when we do.
        guard.stdout(Stdio::null()).stderr(log);
        // Its own group, so that Ctrl-C reaches only us and we stop the server in our own order.
        let child = guard.process_group(0).spawn().at("run", shell)?;
        Ok(Self { child })
    }

    /// Whether the guard, and so the server, is gone.
    pub(crate) fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops the server by `signal` and keeps its files.
    pub(crate) async fn halt(&mut self, signal: &str) -> Result<(), StopError> {
        if let Some(mut lifeline) = self.child.stdin.take() {
            writeln!(lifeline, "{signal}")?;
        }
        self.wait_until_gone().await
    }

    /// Stops the server and lets the guard remove what is to be removed.
    pub(crate) async fn end(&mut self) -> Result<(), StopError> {
        drop(self.child.stdin.take());
        self.wait_until_gone().await
    }

    async fn wait_until_gone(&mut self) -> Result<(), StopError> {
        match wait::until(STOP_LIMIT, || self.is_gone()).await {
            true => Ok(()),
            false => Err(StopError::TooSlow(STOP_LIMIT.as_secs())),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A guard that follows another process has no lifeline of ours: it goes its own way.
        if self.child.stdin.take().is_some() {
            wait::until_blocking(STOP_LIMIT, || self.is_gone());
        }
    }
}
