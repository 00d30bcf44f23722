//! Sorting new search terms into their index, in the background.
//!
//! PostgreSQL keeps the terms of new rows in a list beside the index, which each search reads from end to end. Whoever
//! makes that list too long has to sort it in, in the midst of an insert: a fifth of a bulk. So it is done before, by a
//! connection of its own and on another processor. Of many at once each costs less, as a term is looked for once: so
//! they are gathered for a while. What is too little to be worth it, or what a server leaves that stops, is left to the
//! autovacuum and to the list's greatest length. Two at once take turns, and the second finds little to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::sql_types::BigInt;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::StoreError;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::of_statement;
use crate::pool;
use crate::statement::{Sql, statement};

/// So few new messages are left in the list: a search reads them in a millisecond.
const WORTH_IT: usize = 500;
/// So many are sorted in at once: with more a search reads a long list.
const ENOUGH: usize = 20_000;
/// How long they wait for more.
const PATIENCE: Duration = Duration::from_secs(2);

statement! {
    /// Sorts in what is in the list; answers how many pages it had.
    SortIn {} -> BigInt,
    Sql("select gin_clean_pending_list('outbound_message_terms')")
}

/// What the new messages have come to.
#[derive(Clone, Copy)]
enum Mark {
    WorthIt,
    Enough,
}

/// Counts the new messages of this process, and has their terms sorted in when they are enough, or have waited.
#[derive(Clone)]
pub(crate) struct Merger {
    waiting: Arc<AtomicUsize>,
    marks: mpsc::UnboundedSender<Mark>,
}

impl Merger {
    /// Starts the background task, which ends with the last merger.
    pub(crate) fn start(pool: Pool<AsyncPgConnection>) -> Self {
        let (marks, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        tokio::spawn(gather(waiting.clone(), receiver, async move || {
            if let Err(error) = sort_in(&pool).await {
                tracing::debug!(%error, "search terms could not be sorted in; the database will do it");
            }
        }));
        Self { waiting, marks }
    }

    /// So many messages were stored, committed or not.
    pub(crate) fn stored(&self, messages: usize) {
        let before = self.waiting.fetch_add(messages, Ordering::Relaxed);
        for (mark, at) in [(Mark::WorthIt, WORTH_IT), (Mark::Enough, ENOUGH)] {
            if before < at && before + messages >= at {
                // The task may have ended with its runtime.
                let _ = self.marks.send(mark);
            }
        }
    }
}

async fn gather(
    waiting: Arc<AtomicUsize>,
    mut marks: mpsc::UnboundedReceiver<Mark>,
    sort_in: impl AsyncFn(),
) {
    while let Some(mark) = marks.recv().await {
        let stops = match mark {
            Mark::WorthIt => matches!(timeout(PATIENCE, marks.recv()).await, Ok(None)),
            Mark::Enough => false,
        };
        if stops {
            return;
        }
        waiting.store(0, Ordering::Relaxed);
        sort_in().await;
    }
}

async fn sort_in(pool: &Pool<AsyncPgConnection>) -> Result<(), StoreError> {
    let mut connection = pool::checkout(pool).await?;
    SortIn {}.execute(&mut *connection).await.map_err(of_statement)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// A merger, the task behind it, and when it sorted in.
    fn merger() -> (Merger, JoinHandle<()>, mpsc::UnboundedReceiver<Instant>) {
        let (marks, receiver) = mpsc::unbounded_channel();
        let (done, sorted_in) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(gather(waiting.clone(), receiver, async move || {
            done.send(Instant::now()).unwrap();
        }));
        (Merger { waiting, marks }, task, sorted_in)
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_left_and_some_more_wait_for_others() {
        let (merger, _task, mut sorted_in) = merger();
        merger.stored(WORTH_IT - 1);
        sleep(10 * PATIENCE).await;
        assert!(sorted_in.try_recv().is_err());
        let began = Instant::now();
        merger.stored(1);
        merger.stored(ENOUGH / 2);
        assert_eq!(sorted_in.recv().await.unwrap() - began, PATIENCE);
        merger.stored(WORTH_IT);
        assert_eq!(sorted_in.recv().await.unwrap() - began, 2 * PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn many_wait_for_nobody() {
        let (merger, _task, mut sorted_in) = merger();
        let began = Instant::now();
        merger.stored(ENOUGH - 1);
        merger.stored(1);
        assert_eq!(sorted_in.recv().await, Some(began));
        merger.stored(ENOUGH);
        assert_eq!(sorted_in.recv().await, Some(began));
        sleep(10 * PATIENCE).await;
        assert!(sorted_in.try_recv().is_err(), "and then there is nothing to sort in");
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_the_last_merger() {
        let (merger, task, _sorted_in) = merger();
        merger.stored(WORTH_IT);
        drop(merger);
        task.await.unwrap();
    }
}
