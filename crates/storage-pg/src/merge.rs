//! Sorting new search terms into their index, in the background.
//!
//! PostgreSQL keeps the terms of new rows in a list beside the index, which each search reads from end to end. Whoever
//! makes that list too long has to sort it in, in the midst of an insert: a fifth of a bulk. So it is done before, by a
//! connection of its own and on another processor. What is too little to be worth it, or what a server leaves that
//! stops, is left to the autovacuum and to the list's greatest length. Two at once take turns, and the second finds
//! little to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::sql_types::BigInt;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::StoreError;
use tokio::sync::mpsc;

use crate::error::of_statement;
use crate::pool;
use crate::statement::{Sql, statement};

/// So many new messages are sorted in together: of fewer each costs more, with more a search reads a longer list.
const ENOUGH: usize = 5_000;

statement! {
    /// Sorts in what is in the list; answers how many pages it had.
    SortIn {} -> BigInt,
    Sql("select gin_clean_pending_list('outbound_message_terms')")
}

/// Counts the new messages of this process, and has their terms sorted in when they are enough.
#[derive(Clone)]
pub(crate) struct Merger {
    waiting: Arc<AtomicUsize>,
    enough: mpsc::Sender<()>,
}

impl Merger {
    /// Starts the background task, which ends with the last merger.
    pub(crate) fn start(pool: Pool<AsyncPgConnection>) -> Self {
        let (enough, mut receiver) = mpsc::channel(1);
        let waiting = Arc::<AtomicUsize>::default();
        let counted = waiting.clone();
        tokio::spawn(async move {
            while receiver.recv().await.is_some() {
                counted.store(0, Ordering::Relaxed);
                if let Err(error) = sort_in(&pool).await {
                    tracing::debug!(%error, "search terms could not be sorted in; the database will do it");
                }
            }
        });
        Self { waiting, enough }
    }

    /// So many messages were stored, committed or not.
    pub(crate) fn stored(&self, messages: usize) {
        if self.waiting.fetch_add(messages, Ordering::Relaxed) + messages >= ENOUGH {
            // Full: the task is about to do it anyway.
            let _ = self.enough.try_send(());
        }
    }
}

async fn sort_in(pool: &Pool<AsyncPgConnection>) -> Result<(), StoreError> {
    let mut connection = pool::checkout(pool).await?;
    SortIn {}.execute(&mut *connection).await.map_err(of_statement)?;
    Ok(())
}
