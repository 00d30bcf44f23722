//! Lists, and ids for work on all that match.

use std::marker::PhantomData;

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::MessageId;
use domain::message::Status;
use domain::ports::{Filter, ListPage, ListRequest, Page, StoreError, Total};
use uuid::Uuid;

use super::conditions::{BOTH, Conditions, DELIVERY, Select};
use super::counted::{estimate, total};
use super::search;
use crate::error::of_statement;
use crate::rows::{MessageRow, MessageSql, messages};
use crate::statement::{SelectMessages, Sql};
use crate::store::PgStore;
use crate::terms::Search;

pub(super) async fn list(store: &PgStore, request: &ListRequest) -> Result<ListPage, StoreError> {
    let ListRequest { scope, filter, page, page_size } = request;
    let mut connection = store.connection().await?;
    let search = match (&filter.text, filter.channel) {
        (None, None) => None,
        // A channel that is hardly used must not be looked for among all messages.
        (None, Some(channel)) if is_hardly_used(&mut connection, filter, channel).await? => {
            Some(Search::of_channel(channel))
        }
        (None, Some(_)) => None,
        (Some(text), channel) => match Search::read(&mut connection, text, channel).await? {
            None => return Ok(nothing()),
            found => found,
        },
    };
    let all = Conditions::new(scope, filter);
    let mut part = all.clone();
    let skipped = match page {
        Page::Number(number) => u64::from(number.saturating_sub(1)) * u64::from(*page_size),
        Page::After(id) => {
            part.before(id.uuid());
            0
        }
    };
    // One more than asked for tells whether there is a next part.
    let wanted = u64::from(*page_size) + 1;
    let rows = match &search {
        None if matches!(filter.status, Some(Status::Leased | Status::Dispatched)) => {
            in_flight(&mut connection, part, wanted, skipped).await?
        }
        None => rows(&mut connection, part, wanted, skipped).await?,
        Some(search) => {
            let mut these = Conditions::default();
            these.among(search::page(&mut connection, &part, search, wanted, skipped).await?);
            rows(&mut connection, these, wanted, 0).await?
        }
    };
    let mut items = messages(rows)?;
    let more = items.len() as u64 == wanted;
    items.truncate(usize::try_from(*page_size).unwrap_or(usize::MAX));
    let at_the_start = matches!(page, Page::Number(0 | 1));
    let total = match &search {
        _ if at_the_start && !more => Total { count: items.len() as u64, is_estimate: false },
        None => total(&mut connection, &all).await?,
        Some(search) => search::total(&mut connection, &all, search).await?,
    };
    let next = if more { items.last().map(|message| message.id) } else { None };
    Ok(ListPage { items, total, next })
}

/// Whether a list of a channel goes by the channel's index. Where the list is narrowed by where messages stand too, only
/// if the channel has few: all of them would have to be looked at to find some that stand there.
async fn is_hardly_used(
    connection: &mut AsyncPgConnection,
    filter: &Filter,
    channel: Channel,
) -> Result<bool, StoreError> {
    const FEW: u64 = 20_000;
    let Filter { status, failure_kind, cause, priority, .. } = filter;
    let is_narrowed = status.is_some() || failure_kind.is_some() || cause.is_some() || priority.is_some();
    let of_channel = Filter { channel: Some(channel), ..Filter::default() };
    Ok(!is_narrowed || estimate(connection, &Conditions::new(&Scope::everything(), &of_channel)).await? < FEW)
}

fn nothing() -> ListPage {
    ListPage { items: Vec::new(), total: Total { count: 0, is_estimate: false }, next: None }
}

async fn rows(
    connection: &mut AsyncPgConnection,
    conditions: Conditions,
    limit: u64,
    skipped: u64,
) -> Result<Vec<MessageRow>, StoreError> {
    let select = Select::<_, MessageSql> {
        head: SelectMessages(""),
        tables: BOTH,
        conditions,
        tail: format!(" order by outbound_message.id desc limit {limit} offset {skipped}"),
        row: PhantomData,
    };
    select.load(connection).await.map_err(of_statement)
}

/// Those in flight are found by their expiry, in no useful order; mostly they are among the newest.
async fn in_flight(
    connection: &mut AsyncPgConnection,
    conditions: Conditions,
    limit: u64,
    skipped: u64,
) -> Result<Vec<MessageRow>, StoreError> {
    if let Some(floor) = search::floor(connection, &conditions, search::NEWEST).await? {
        let mut newest = conditions.clone();
        newest.from(floor);
        let found = rows(connection, newest, limit, skipped).await?;
        if found.len() as u64 == limit {
            return Ok(found);
        }
    }
    rows(connection, conditions, limit, skipped).await
}

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
    let head = Sql(if tables == DELIVERY {
        "select outbound_delivery.message_id"
    } else {
        "select outbound_message.id"
    });
    let select = Select::<_, SqlUuid> { head, tables, conditions, tail, row: PhantomData };
    let ids: Vec<Uuid> = select.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    Ok(ids.into_iter().map(MessageId::new).collect())
}
