//! Telling the workers that something may be due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::sync::mpsc;

/// The channel of the notifications.
pub(crate) const CHANNEL: &str = "outbound_due";

/// At most one notification in this time.
const PAUSE: Duration = Duration::from_millis(20);

/// Wakes the workers of every process on the database.
///
/// Not by a NOTIFY inside the statements that make something due: PostgreSQL commits transactions that notify one
/// after the other, which would cost more than half of the inserts. It follows the commit, in the background and
/// debounced; it only shortens a wait, so one that is lost costs nothing but time.
#[derive(Clone)]
pub(crate) enum Waker {
    /// At once.
    Now(mpsc::Sender<()>),
    /// When the transaction is committed.
    AfterCommit {
        /// Whether there is anything to tell.
        due: Arc<AtomicBool>,
        /// How.
        then: mpsc::Sender<()>,
    },
}

impl Waker {
    /// Starts the background task, which ends with the last waker.
    pub(crate) fn start(pool: Pool<AsyncPgConnection>) -> Self {
        let (sender, mut receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while receiver.recv().await.is_some() {
                if let Err(error) = notify(&pool).await {
                    tracing::debug!(error, "could not wake the workers; they will poll");
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self::Now(sender)
    }

    /// One for a transaction.
    pub(crate) fn for_transaction(&self) -> Self {
        let (Self::Now(then) | Self::AfterCommit { then, .. }) = self;
        Self::AfterCommit { due: Arc::default(), then: then.clone() }
    }

    /// Something may be due.
    pub(crate) fn wake(&self) {
        match self {
            // Full: the task is about to notify anyway.
            Self::Now(sender) => {
                let _ = sender.try_send(());
            }
            Self::AfterCommit { due, .. } => due.store(true, Ordering::Relaxed),
        }
    }

    /// The transaction is committed.
    pub(crate) fn committed(&self) {
        if let Self::AfterCommit { due, then } = self
            && due.load(Ordering::Relaxed)
        {
            // Full: the task is about to notify anyway.
            let _ = then.try_send(());
        }
    }
}

async fn notify(pool: &Pool<AsyncPgConnection>) -> Result<(), String> {
    let mut connection = pool.get().await.map_err(|error| error.to_string())?;
    (*connection).batch_execute(&format!("notify {CHANNEL}")).await.map_err(|error| error.to_string())
}
