//! Why a server did not start or did not stop. Each text is one line a person can act on.
use std::io;
use std::path::{Path, PathBuf};

use crate::binaries::OLDEST_POSTGRES;

const HOW_TO_INSTALL: &str = "install them with `apt-get install postgresql` (Debian, Ubuntu) or \
    `brew install postgresql@15` (macOS), name their folder in PG_BIN_DIR, or set DATABASE_URL";

/// Why no server runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine has no server programs that fit.
    #[error(
        "PostgreSQL's server programs (`postgres` and `initdb`, version {OLDEST_POSTGRES} or newer) are not on this machine: {HOW_TO_INSTALL}"
    )]
    NoBinaries,
    /// The folder that the caller named has no usable programs.
    #[error("{} has no `postgres` and `initdb` that run here: {HOW_TO_INSTALL}", .0.display())]
    BadBinDir(PathBuf),
    /// The data was made by another major version, and PostgreSQL cannot read it with this one.
    #[error("{} was made by PostgreSQL {made_by}, which is not on this machine (found: {found}): install it with `apt-get install postgresql-{made_by}` or `brew install postgresql@{made_by}`", data.display())]
    OtherVersion {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// What the machine has instead.
        found: String,
    },
    /// A living process holds the lock of the folder.
    #[error("{} is in use by another running server", .0.display())]
    InUse(PathBuf),
    /// Processes of an earlier server neither ended nor could be stopped.
    #[error("an earlier PostgreSQL on {} is still running (processes {pids:?})", data.display())]
    StillRunning {
        /// The data folder.
        data: PathBuf,
        /// The processes seen.
        pids: Vec<i32>,
    },
    /// Root cannot run PostgreSQL, and there is nobody to hand it to.
    #[error("PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`")]
    NoAccount,
    /// The folder belongs to somebody else.
    #[error("{} belongs to another user (uid {owner}): start as that user or as root", folder.display())]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The user that PostgreSQL runs as cannot work in any folder we may use.
    #[error("{} is out of reach for the user `{account}` that PostgreSQL runs as", folder.display())]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// The user.
        account: String,
    },
    /// `initdb` failed.
    #[error("initdb could not create {}: {output}", data.display())]
    Initdb {
        /// The data folder.
        data: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The server ended instead of starting.
    #[error("PostgreSQL ended while starting: {log}")]
    Exited {
        /// The end of its log.
        log: String,
    },
    /// The server did not answer in time.
    #[error("PostgreSQL did not answer in time ({last}): {log}")]
    TooSlow {
        /// What the last attempt to connect met.
        last: String,
        /// The end of its log.
        log: String,
    },
    /// The operating system refused something.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a server did not stop.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The shutdown took too long; it goes on in the background.
    #[error("PostgreSQL did not stop within {0} seconds")]
    TooSlow(u64),
    /// The guard could not be reached.
    #[error("cannot reach the guard of PostgreSQL: {0}")]
    Guard(#[from] io::Error),
}

/// Names what was tried on which path; an `io::Error` alone says neither.
pub(crate) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StartError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StartError> {
        self.map_err(|source| StartError::Io { what, path: path.to_owned(), source })
    }
}
