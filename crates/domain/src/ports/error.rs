//! How a store fails.

/// A store could not do what it was asked for. Nothing of it was done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection, or the database said that it can't now; trying again later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Somebody else held a lock for too long; trying again may help.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A row that the domain can't read: a bug, or a hand-made change.
    #[error("a stored row makes no sense: {0}")]
    Corrupt(String),
    /// The database refused a statement: a bug.
    #[error("the database refused: {0}")]
    Refused(String),
}
