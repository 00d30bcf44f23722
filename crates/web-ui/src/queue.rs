//! `/outbound`: the queue as a table.

use std::collections::BTreeMap;

pub(crate) mod live;
pub(crate) mod query;
pub(crate) mod row;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::Scope;
use domain::channel::Channel;
use domain::message::{FailureKind, Priority, Status};
use domain::ports::{ListRequest, Page, Total};

use self::query::Query;
use self::row::Row;
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::held::Held;
use crate::present::told::told;
use crate::present::{people, status};
use crate::visit::{May, MessagingView};

/// How many messages a page has.
const PAGE_SIZE: u32 = 40;

/// A status above the table: a count, and a filter.
struct Tab {
    href: String,
    tone: &'static str,
    icon: &'static str,
    label: &'static str,
    key: &'static str,
    count: String,
    is_here: bool,
}

/// One choice of a filter.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage<'a> {
    f: &'a Frame,
    query: &'a Query,
    tabs: Vec<Tab>,
    kinds: Vec<Tab>,
    channels: Vec<Choice>,
    priorities: Vec<Choice>,
    rows: Vec<Row>,
    total: String,
    next: Option<String>,
    first: Option<String>,
    live: String,
    knows_owners: bool,
    cause: String,
    /// Ids and names of the owners on this page, to choose from.
    owners: BTreeMap<String, String>,
}

pub(crate) async fn queue(
    may: May<MessagingView>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let May { visit, caller, .. } = &may;
    let query = Query::parse(request.query_string());
    let list = ListRequest {
        scope: caller.scope(),
        filter: query.filter(&pages.rules.quiet_hours),
        page: query.cursor.map_or(Page::Number(1), Page::After),
        page_size: PAGE_SIZE,
    };
    let now = pages.clock.now();
    let found = pages.stores.list(&list).await?;
    let counts = Counts::of(&pages, &list.scope, &query, found.total).await?;
    let held = Held::of(&pages, &found.items).await?;
    let frame = Frame::new(visit, &pages, Place::Queue);
    let lang = visit.lang;
    let new_row = |message| Row::new(lang, message, &held, &pages.rules, now);
    let rows: Vec<Row> = found.items.iter().map(new_row).collect();
    let page = QueuePage {
        f: &frame,
        tabs: tabs(lang, &query, &counts),
        owners: owners(&rows),
        kinds: kinds(lang, &query),
        channels: channels(lang, query.channel),
        priorities: priorities(lang, query.priority),
        rows,
        total: total(lang, found.total),
        next: found.next.map(|id| query.link(&[("cursor", &id.to_string())])),
        first: query.cursor.is_some().then(|| query.link(&[("cursor", "")])),
        live: query.live(found.items.first().map(|message| message.id)),
        knows_owners: list.scope.owner.is_none(),
        cause: told(lang, &query.cause),
        query: &query,
    };
    show(&page, &frame)
}

pub(crate) fn total(lang: Lang, total: Total) -> String {
    let count = lang.number(total.count);
    if total.is_estimate { format!("≈ {count}") } else { count }
}

/// How many messages each tab leads to, as far as that is known: a narrowed list knows its own number alone.
enum Counts {
    /// Nothing but the status narrows the list.
    Each(BTreeMap<Status, Total>),
    /// Other filters do; those of the status that is chosen, where the list is of all of them.
    Chosen(Option<Total>),
}

impl Counts {
    /// `found` is the number of those that the list is of.
    async fn of(pages: &Pages, scope: &Scope, query: &Query, found: Total) -> Result<Self, PageError> {
        if query.narrows_each_status() {
            let is_of_all = query.kind.is_none() && query.cause.is_empty();
            return Ok(Self::Chosen(is_of_all.then_some(found)));
        }
        let stats = pages.stores.stats(scope, &pages.rules.limits, pages.clock.now()).await?;
        Ok(Self::Each(stats.by_status))
    }

    /// The number for a tab; of all statuses where it names none. Empty where it is not known.
    fn text(&self, lang: Lang, status: Option<Status>, is_here: bool) -> String {
        match (self, status) {
            (Self::Each(counts), Some(status)) => {
                total(lang, counts.get(&status).copied().unwrap_or(Total { count: 0, is_estimate: false }))
            }
            (Self::Each(counts), None) => total(
                lang,
                Total {
                    count: counts.values().map(|total| total.count).sum(),
                    is_estimate: counts.values().any(|total| total.is_estimate),
                },
            ),
            (Self::Chosen(found), _) => {
                found.filter(|_| is_here).map(|found| total(lang, found)).unwrap_or_default()
            }
        }
    }
}

/// The owners of these rows.
fn owners(rows: &[Row]) -> BTreeMap<String, String> {
    let known = rows.iter().filter(|row| !row.owner_id.is_empty());
    known.map(|row| (row.owner_id.clone(), row.owner.clone())).collect()
}

fn tabs(lang: Lang, query: &Query, counts: &Counts) -> Vec<Tab> {
    let first = Tab {
        href: query.link(&[("status", ""), ("kind", ""), ("cause", ""), ("cursor", "")]),
        tone: "all",
        icon: "queue",
        label: lang.t("Tất cả", "All"),
        key: "ALL",
        count: counts.text(lang, None, query.status.is_none()),
        is_here: query.status.is_none(),
    };
    let rest = Status::ALL.iter().map(|one| {
        let pill = status::plain(lang, *one);
        Tab {
            href: query.link(&[("status", one.as_str()), ("kind", ""), ("cause", ""), ("cursor", "")]),
            tone: pill.tone,
            icon: pill.icon,
            label: pill.label,
            key: one.as_str(),
            count: counts.text(lang, Some(*one), query.status == Some(*one)),
            is_here: query.status == Some(*one),
        }
    });
    std::iter::once(first).chain(rest).collect()
}

/// The kinds of failure, once one looks at failures.
fn kinds(lang: Lang, query: &Query) -> Vec<Tab> {
    if query.status != Some(Status::Failed) {
        return Vec::new();
    }
    let kinds = FailureKind::ALL.iter().map(|kind| {
        let pill = status::failed(lang, *kind);
        let is_here = query.kind == Some(*kind);
        let value = if is_here { "" } else { kind.as_str() };
        Tab {
            href: query.link(&[("kind", value), ("cause", ""), ("cursor", "")]),
            tone: pill.tone,
            icon: pill.icon,
            label: pill.label,
            key: kind.as_str(),
            count: String::new(),
            is_here,
        }
    });
    kinds.collect()
}

fn channels(lang: Lang, chosen: Option<Channel>) -> Vec<Choice> {
    let one = |channel: &Channel| Choice {
        value: channel.as_str(),
        label: people::channel(lang, *channel),
        is_chosen: chosen == Some(*channel),
    };
    Channel::ALL.iter().map(one).collect()
}

fn priorities(lang: Lang, chosen: Option<Priority>) -> Vec<Choice> {
    let one = |priority: &Priority| Choice {
        value: priority.as_str(),
        label: people::priority(lang, *priority),
        is_chosen: chosen == Some(*priority),
    };
    Priority::ALL.iter().map(one).collect()
}
