//! Lists, and ids for work on all that match.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::MessageId;
use domain::message::Message;
use domain::ports::{Filter, ListPage, ListRequest, Page, StoreError, Total};
use uuid::Uuid;

use super::conditions::Conditions;
use super::counted::total;
use super::keys::{self, Part};
use super::search::{self, Found};
use crate::error::of_statement;
use crate::messages::LoadMessages;
use crate::rows::{MessageRow, messages};
use crate::store::PgStore;
use crate::terms::Search;

pub(super) async fn list(store: &PgStore, request: &ListRequest) -> Result<ListPage, StoreError> {
    let ListRequest { scope, filter, page, page_size } = request;
    let mut connection = store.connection().await?;
    let search = match &filter.text {
        None => None,
        Some(text) => match Search::read(&mut connection, text, filter.channel).await? {
            None => return Ok(ListPage { items: Vec::new(), total: NONE, next: None }),
            found => found,
        },
    };
    let all = Conditions::new(scope, filter);
    let (before, skipped) = match page {
        Page::Number(number) => (None, u64::from(number.saturating_sub(1)) * u64::from(*page_size)),
        Page::After(id) => (Some(id.uuid()), 0),
    };
    // One more than asked for tells whether there is a next part.
    let part = Part { limit: u64::from(*page_size) + 1, skipped };
    let Found { mut ids, total } = match (&search, filter.channel) {
        (Some(search), _) => search::find(store, &mut connection, &all, search, before, part).await?,
        // A channel that is hardly used must not be looked for among all messages.
        (None, Some(channel)) if is_hardly_used(store, &mut connection, channel).await? => {
            let search = Search::of_channel(channel);
            search::by_index(&mut connection, &all, &search, before, part).await?
        }
        (None, _) => {
            let expected = store.expectations.of(&mut connection, &all).await?;
            let ids = keys::page(store, &mut connection, &all, expected, before, part).await?;
            let are_all = before.is_none() && skipped == 0 && !part.is_full(&ids);
            let total = if are_all { NONE } else { total(store, &mut connection, &all, expected).await? };
            Found { ids, total }
        }
    };
    let more = part.is_full(&ids);
    let seen = skipped + ids.len() as u64;
    let total = match before {
        None if !more && skipped == 0 => Total { count: seen, is_estimate: false },
        None | Some(_) if ids.is_empty() => total,
        None | Some(_) => Total { count: total.count.max(seen), ..total },
    };
    ids.truncate(usize::try_from(*page_size).unwrap_or(usize::MAX));
    let next = if more { ids.last().copied().map(MessageId::new) } else { None };
    Ok(ListPage { items: read(&mut connection, ids).await?, total, next })
}

/// The messages of these ids, in their order.
async fn read(connection: &mut AsyncPgConnection, ids: Vec<Uuid>) -> Result<Vec<Message>, StoreError> {
    let rows: Vec<MessageRow> = LoadMessages { ids }.load(connection).await.map_err(of_statement)?;
    let mut items = messages(rows)?;
    items.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    Ok(items)
}

/// Whether a list of a channel goes by the channel's index: there are so few of it that they are not found among all.
async fn is_hardly_used(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    channel: Channel,
) -> Result<bool, StoreError> {
    const FEW: u64 = 20_000;
    let of_channel = Filter { channel: Some(channel), ..Filter::default() };
    let of_channel = Conditions::new(&Scope::everything(), &of_channel);
    Ok(store.expectations.of(connection, &of_channel).await? < FEW)
}

const NONE: Total = Total { count: 0, is_estimate: false };

pub(super) async fn matching(
    store: &PgStore,
    scope: &Scope,
    filter: &Filter,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<MessageId>, StoreError> {
    let mut conditions = Conditions::new(scope, filter);
    if let Some(id) = after {
        conditions.after(id.uuid());
    }
    let Some(text) = &filter.text else {
        return ids(store, conditions, format!(" order by 1 limit {limit}")).await;
    };
    let mut connection = store.connection().await?;
    let Some(search) = Search::read(&mut connection, text, filter.channel).await? else {
        return Ok(Vec::new());
    };
    let ids = search::oldest(&mut connection, &conditions, &search, limit).await?;
    Ok(ids.into_iter().map(MessageId::new).collect())
}

pub(super) async fn within(
    store: &PgStore,
    scope: &Scope,
    ids_: &[MessageId],
) -> Result<Vec<MessageId>, StoreError> {
    if ids_.is_empty() {
        return Ok(Vec::new());
    }
    let mut conditions = Conditions::new(scope, &Filter::default());
    conditions.among(ids_.iter().map(|id| id.uuid()).collect());
    ids(store, conditions, String::new()).await
}

async fn ids(store: &PgStore, conditions: Conditions, tail: String) -> Result<Vec<MessageId>, StoreError> {
    let tables = conditions.tables();
    let ids = keys::select(&mut *store.connection().await?, tables, conditions, tail).await?;
    Ok(ids.into_iter().map(MessageId::new).collect())
}
