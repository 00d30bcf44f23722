//! What a caller may choose.
use std::path::PathBuf;
use std::time::Duration;

/// Where the server keeps its data, and for how long.
#[derive(Debug, Clone)]
pub enum Storage {
    /// Kept over restarts, with every safety of PostgreSQL switched on.
    Persistent {
        /// The application's folder; the server's own files go below it.
        folder: PathBuf,
    },
    /// Removed when the server ends.
    Throwaway {
        /// Exactly this folder, instead of a new one in [`crate::throwaway_parent`].
        folder: Option<PathBuf>,
        /// Pay for durability as in production (for benchmarks); such a folder is never put in memory.
        durable: bool,
    },
}

/// Everything [`crate::EmbeddedPostgres::start`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) storage: Storage,
    pub(crate) bin_dir: Option<PathBuf>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) start_limit: Duration,
}

impl Config {
    /// A server whose data stays in `folder`.
    pub fn persistent(folder: impl Into<PathBuf>) -> Self {
        Self::new(Storage::Persistent { folder: folder.into() })
    }

    /// A fast server for a test, gone with all its data when it ends.
    pub fn throwaway() -> Self {
        Self::new(Storage::Throwaway { folder: None, durable: false })
    }

    /// A throwaway server on disk with production's durability, for benchmarks.
    pub fn throwaway_durable() -> Self {
        Self::new(Storage::Throwaway { folder: None, durable: true })
    }

    /// A server with the given storage.
    pub fn new(storage: Storage) -> Self {
        Self { storage, bin_dir: None, settings: Vec::new(), start_limit: Duration::from_secs(120) }
    }

    /// Use only the programs in this folder. `None` searches the usual places.
    #[must_use]
    pub fn bin_dir(mut self, folder: Option<PathBuf>) -> Self {
        self.bin_dir = folder;
        self
    }

    /// Sets a PostgreSQL parameter such as `shared_buffers`; the last one of a name counts.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// How long the server may take until it answers, crash recovery included (two minutes by default).
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }
}
