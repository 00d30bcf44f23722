//! What a run is to be like.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::Limits;

/// What a run is to be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server's binary.
    pub server_binary: PathBuf,
    /// How long faults are injected.
    pub time: Duration,
    /// What decides the faults and N8N's behaviour.
    pub seed: u64,
    /// How many servers.
    pub servers: usize,
    /// The limits that the servers are held to.
    pub limits: Limits,
    /// `CALLBACK_TIMEOUT_SECONDS`.
    pub callback_seconds: u64,
    /// The longest wait of a client between two requests, in milliseconds.
    pub pace: u64,
    /// How long the end may take.
    pub drain: Duration,
    /// Whether to say on stderr what goes on.
    pub talk: bool,
}

impl Options {
    /// A long run with three servers.
    pub fn new(server_binary: PathBuf, time: Duration, seed: u64) -> Self {
        Self {
            server_binary,
            time,
            seed,
            servers: 3,
            limits: Limits { global: 600, per_owner: 60 },
            callback_seconds: 20,
            pace: 1_500,
            drain: Duration::from_secs(180),
            talk: false,
        }
    }

    /// The same for a run of half a minute, which must meet its limits and its quiet hours in that time.
    #[must_use]
    pub fn short(self) -> Self {
        let limits = Limits { global: 240, per_owner: 40 };
        Self { limits, callback_seconds: 6, pace: 1_200, drain: Duration::from_secs(60), ..self }
    }

    /// Whether a day must pass in seconds.
    pub(crate) fn is_short(&self) -> bool {
        self.time < Duration::from_secs(90)
    }
}
