//! `serve --demo`: made-up contacts and messages in an empty database, and what to try.
//!
//! The messages are made by the use cases themselves, run by a clock of the past: their states and histories are such
//! as the system makes them. N8N is played by the module `past`, and nothing is sent.

mod history;
mod logins;
mod past;
mod people;
mod welcome;

use domain::access::Scope;
use domain::ports::{
    Clock as _, ContactStore as _, Filter, ListRequest, MessageReader as _, Page, StoreError,
};
use domain::rules::Rules;

use crate::clock::SystemClock;
use crate::settings::{Layers, Values, variables as v};
use crate::storage::Storage;

pub use logins::logins;
pub use welcome::welcome;

/// What a demo sets where nobody else does: it can be tried at night, and without an N8N.
pub fn settings(layers: &Layers) -> Values {
    let mut chosen = Values::from([(v::OPS_QUIET_HOURS.name.to_owned(), "off".to_owned())]);
    if !layers.has(v::N8N_WEBHOOK_URL.name) {
        chosen.insert(v::N8N_SIMULATOR.name.to_owned(), "on".to_owned());
    }
    chosen
}

/// Fills the database, unless it holds messages already. Must be done before the server runs: it works in the past,
/// where the server would find every lease overdue.
pub async fn fill(storage: &Storage, rules: &Rules) -> anyhow::Result<()> {
    let store = &storage.store;
    if !is_empty(storage).await? {
        tracing::info!("the database holds messages already: the demo adds none");
        return Ok(());
    }
    let now = SystemClock.now();
    store.upsert_contacts(&people::contacts(), now).await?;
    let messages = history::make(store, rules, now).await?;
    tracing::info!(messages, "the demo's contacts and messages were made");
    Ok(())
}

async fn is_empty(storage: &Storage) -> Result<bool, StoreError> {
    let request = ListRequest {
        scope: Scope::everything(),
        filter: Filter::default(),
        page: Page::Number(1),
        page_size: 1,
    };
    Ok(storage.store.list(&request).await?.items.is_empty())
}
