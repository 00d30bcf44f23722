//! What the database's errors mean to those who asked.

use deadpool::managed::PoolError;
use diesel::result::{ConnectionError, DatabaseErrorKind, Error};
use domain::ports::StoreError;

/// An error of a statement.
pub(crate) fn of_statement(error: Error) -> StoreError {
    let said = error.to_string();
    match error {
        Error::DatabaseError(kind, _) => of_kind(&kind, said),
        Error::RollbackErrorOnCommit { .. } | Error::BrokenTransactionManager => {
            StoreError::Unavailable(said)
        }
        Error::DeserializationError(_) => StoreError::Corrupt(said),
        Error::InvalidCString(_)
        | Error::NotFound
        | Error::QueryBuilderError(_)
        | Error::SerializationError(_)
        | Error::RollbackTransaction
        | Error::AlreadyInTransaction
        | Error::NotInTransaction
        | _ => StoreError::Refused(said),
    }
}

/// An error of a connection that could not be made.
pub(crate) fn of_connection(error: &ConnectionError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// An error of the pool.
pub(crate) fn of_pool(error: &PoolError<diesel_async::pooled_connection::PoolError>) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// An error of a plain connection.
pub(crate) fn of_plain(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn of_kind(kind: &DatabaseErrorKind, said: String) -> StoreError {
    match kind {
        DatabaseErrorKind::SerializationFailure => StoreError::Busy(said),
        DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable(said),
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation
        | DatabaseErrorKind::Unknown
        | _ => of_message(said),
    }
}

/// diesel hides the SQLSTATE, so these go by the server's words; the pool asks the server to speak English.
fn of_message(said: String) -> StoreError {
    const BUSY: &[&str] =
        &["due to lock timeout", "deadlock detected", "could not obtain lock", "could not serialize"];
    const UNAVAILABLE: &[&str] = &[
        "due to statement timeout",
        "due to idle-in-transaction timeout",
        "due to user request",
        "due to administrator command",
        "because of crash of another server process",
        "due to unexpected postmaster exit",
        "the database system is ",
        "too many clients already",
        "too many connections",
        "remaining connection slots are reserved",
        "No space left on device",
        "could not extend file",
        "could not write",
        "could not fsync",
        "Input/output error",
        "out of memory",
        "out of shared memory",
        "in a read-only transaction",
        "connection to client lost",
    ];
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(BUSY) {
        StoreError::Busy(said)
    } else if says(UNAVAILABLE) {
        StoreError::Unavailable(said)
    } else {
        StoreError::Refused(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(message: &str) -> StoreError {
        of_statement(Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())))
    }

    #[test]
    fn what_may_pass_is_told_apart_from_what_will_not() {
        for words in [
            "canceling statement due to statement timeout",
            "terminating connection due to administrator command",
            "terminating connection due to unexpected postmaster exit",
            "the database system is shutting down",
            "could not extend file \"base/5/16385\": No space left on device",
            "sorry, too many clients already",
        ] {
            assert!(matches!(unknown(words), StoreError::Unavailable(_)), "{words}");
        }
        for words in ["canceling statement due to lock timeout", "deadlock detected"] {
            assert!(matches!(unknown(words), StoreError::Busy(_)), "{words}");
        }
        assert!(matches!(unknown("syntax error at or near \"selct\""), StoreError::Refused(_)));
        let read_only = Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(String::new()));
        assert!(matches!(of_statement(read_only), StoreError::Unavailable(_)));
    }
}
