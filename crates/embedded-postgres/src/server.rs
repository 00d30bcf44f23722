//! The server that belongs to this process.
use std::path::Path;

use crate::address::Address;
use crate::config::Config;
use crate::error::{StartError, StopError};
use crate::guard::Guard;
use crate::launch::Launch;
use crate::leftovers;

/// How a server is brought down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Ends the connections, writes everything, stops.
    Fast,
    /// Stops at once, as after a failure; the next start recovers.
    Immediate,
    /// `kill -9` of the server's main process: its workers learn of it by themselves.
    Kill,
}

impl StopMode {
    fn signal(self) -> &'static str {
        match self {
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A running private PostgreSQL. Dropping it stops the server and waits until it is gone.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    // Before `launch`, so that the server is gone before the lock on its folder is.
    guard: Option<Guard>,
    launch: Launch,
    address: Address,
}

impl EmbeddedPostgres {
    /// Starts a server and waits until it answers.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let launch = Launch::prepare(config)?;
        // Made before the guard runs, so that a failed start also removes a throwaway folder.
        let mut server = Self { guard: None, address: launch.address(), launch };
        server.resume().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A URL for `tokio-postgres`, `diesel-async` and `psql`.
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// The folder of the socket.
    pub fn socket_dir(&self) -> &Path {
        self.address.socket_dir()
    }

    /// The folder of the server's programs.
    pub fn bin_dir(&self) -> &Path {
        &self.launch.binaries.folder
    }

    /// The folder with all files of the server. Not always below the one asked for: see the crate's text.
    pub fn folder(&self) -> &Path {
        &self.launch.place.base
    }

    /// The server's main process, while there is one.
    pub fn postmaster_pid(&self) -> Option<i32> {
        leftovers::postmaster_pid(&self.launch.place.data())
    }

    /// Brings the server down but keeps its files, for [`Self::resume`].
    pub async fn halt(&mut self, mode: StopMode) -> Result<(), StopError> {
        if let Some(guard) = &mut self.guard {
            guard.halt(mode.signal()).await?;
            self.guard = None;
        }
        Ok(())
    }

    /// Starts the server again after [`Self::halt`]; does nothing while it runs.
    pub async fn resume(&mut self) -> Result<(), StartError> {
        if self.guard.is_none() {
            self.guard = Some(self.launch.run(None).await?);
        }
        Ok(())
    }

    /// Brings the server down and up again, on the same socket with the same data.
    pub async fn restart(&mut self, mode: StopMode) -> Result<(), RestartError> {
        self.halt(mode).await?;
        Ok(self.resume().await?)
    }

    /// Stops the server. Throwaway data is removed.
    pub async fn stop(mut self) -> Result<(), StopError> {
        match &mut self.guard {
            Some(guard) => guard.end().await,
            None => Ok(()),
        }
    }
}

/// Why a restart failed.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// The server did not stop.
    #[error(transparent)]
    Stop(#[from] StopError),
    /// The server did not start again.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.guard = None;
        // The guard did this, unless the server was down already.
        self.launch.place.remove.iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
}
