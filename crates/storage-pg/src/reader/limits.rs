//! What is left of the limits.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::ids::OwnerId;
use domain::policy::rate_limit::{RateLimit, RateWindow};
use domain::ports::StoreError;
use domain::rules::Limits;

use crate::error::of_statement;
use crate::rows::count;
use crate::schema::outbound_rate_window;
use crate::store::PgStore;

/// The windows of all messages and of one owner.
pub(super) struct Windows {
    pub(super) global: RateWindow,
    pub(super) owner: RateWindow,
}

pub(super) async fn windows(store: &PgStore, owner: Option<&OwnerId>) -> Result<Windows, StoreError> {
    use outbound_rate_window::dsl::{key, outbound_rate_window as windows};
    let owner_key = owner.map(|id| format!("owner:{id}"));
    let keys: Vec<&str> = std::iter::once("").chain(owner_key.as_deref()).collect();
    let rows: Vec<(String, Vec<i64>, Vec<i32>)> =
        windows.filter(key.eq_any(keys)).load(&mut *store.connection().await?).await.map_err(of_statement)?;
    let mut found = Windows { global: RateWindow::default(), owner: RateWindow::default() };
    for (name, seconds, counts) in rows {
        let slots = seconds.into_iter().zip(counts).map(|(second, n)| Ok((second, count("slot", n)?)));
        let window = RateWindow::from_slots(slots.collect::<Result<_, StoreError>>()?);
        if name.is_empty() { found.global = window } else { found.owner = window }
    }
    Ok(found)
}

/// The window of all messages.
pub(crate) async fn global_window(store: &PgStore) -> Result<RateWindow, StoreError> {
    Ok(windows(store, None).await?.global)
}

pub(super) async fn free_at(
    store: &PgStore,
    owner: Option<&OwnerId>,
    limits: &Limits,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let windows = windows(store, owner).await?;
    let of_owner = if owner.is_some() { limits.per_owner } else { RateLimit::UNLIMITED };
    let ends = [windows.global.free_at(limits.global, now, 1), windows.owner.free_at(of_owner, now, 1)];
    // Without an end the limit is 0, which is none.
    Ok(ends.into_iter().flatten().max().filter(|at| *at > now))
}
