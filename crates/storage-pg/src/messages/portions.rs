//! Storing many messages: PostgreSQL stores a portion while the server prepares the next, all in one transaction.
//!
//! The first portion that has to ask locks out all other inserts that must know of each other, until the end of the
//! transaction. It is one lock for all, so two that store many can't wait for each other; a later portion finds what
//! the earlier ones stored like anything else that is stored.

use std::iter::from_fn;

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::message::Message;
use domain::ports::{DuplicateWindow, NewMessage, Portions, StoreError};
use futures_util::stream::iter;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::insert::{Derived, InsertMessages, as_stored, derive};
use crate::error::of_statement;
use crate::store::{PgStore, Source};
use crate::unit::Unit;

/// The most messages in one statement, where somebody has not made portions himself.
pub(super) const PORTION: usize = 1_000;
/// One is at work, one waits at the server.
const UNDER_WAY: usize = 2;

/// Messages in portions.
pub(super) fn portions(new: Vec<NewMessage>) -> Portions<'static> {
    let mut rest = new.into_iter();
    Box::pin(iter(from_fn(move || {
        let portion: Vec<_> = rest.by_ref().take(PORTION).collect();
        (!portion.is_empty()).then_some(portion)
    })))
}

/// Stores messages in one piece.
pub(super) async fn insert_portions(
    store: &PgStore,
    portions: Portions<'_>,
    window: Option<DuplicateWindow>,
) -> Result<Vec<Message>, StoreError> {
    match &store.source {
        Source::Transaction(_) => within(store, portions, window).await,
        Source::Pool(_) => {
            let unit = Unit::begin(store).await?;
            let stored = within(&unit.store, portions, window).await?;
            unit.commit().await?;
            Ok(stored)
        }
    }
}

async fn within(
    store: &PgStore,
    portions: Portions<'_>,
    window: Option<DuplicateWindow>,
) -> Result<Vec<Message>, StoreError> {
    let connection = store.connection().await?;
    let connection = &*connection;
    // One by one, and the statements in their order: of equal messages the first is queued. Boxed, or the compiler
    // can't see that it may go to another thread.
    let derived = portions.then(|portion| with_derived(store, connection, portion).boxed());
    let sent = derived
        .map_ok(|(portion, derived)| store_portion(store, connection, portion, derived, window).boxed());
    sent.try_buffered(UNDER_WAY).boxed().try_concat().await
}

async fn with_derived(
    store: &PgStore,
    connection: &AsyncPgConnection,
    portion: Vec<NewMessage>,
) -> Result<(Vec<NewMessage>, Vec<Derived>), StoreError> {
    let keys = portion.iter().filter_map(|one| one.message.content.template_key.as_ref());
    let terms = store.terms.of(connection, keys).await?;
    let derived = derive(portion.iter(), &terms).await;
    Ok((portion, derived))
}

/// Sends a portion when it is first polled, then waits.
async fn store_portion(
    store: &PgStore,
    mut connection: &AsyncPgConnection,
    portion: Vec<NewMessage>,
    derived: Vec<Derived>,
    window: Option<DuplicateWindow>,
) -> Result<Vec<Message>, StoreError> {
    let sent = {
        let statement = InsertMessages::of(true, portion.iter(), derived, window)?;
        statement.get_result(&mut connection)
    };
    let reasons: Vec<_> = sent.await.map_err(of_statement)?;
    store.stored(&reasons);
    Ok(portion.into_iter().zip(reasons).map(|(one, reason)| as_stored(one.message, reason)).collect())
}
