//! `/outbound/live`: what changes in the list that a page shows, as server-sent events.
//!
//! The page names the messages that it shows with their revisions. Once a second the store is asked for them; those
//! that have another revision, or are held back by something else, come as new lines. Nothing is inserted: how many
//! new ones match is told, and the visitor decides when to see them. The stream is as good as its session, and ends with it.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use domain::access::Scope;
use domain::ids::MessageId;
use domain::ports::{Filter, ListRequest, Page, Total};
use futures_util::stream::unfold;
use serde_json::json;

use super::Counts;
use super::query::Query;
use super::row::Row;
use crate::error::PageError;
use crate::form::Form;
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::held::Held;
use crate::visit::{May, MessagingView, caller};

/// The wait between two looks.
const TICK: TimeDelta = TimeDelta::seconds(1);
/// Every so many looks the counts come anew.
const COUNTS_EVERY: u64 = 3;
/// As often where they are those of a search, which is looked for anew.
const COUNT_OF_FOUND_EVERY: u64 = 15;
/// Every so many looks something is said, so that a broken connection is found.
const ALIVE_EVERY: u64 = 15;
/// The most messages that a page may watch.
const MAX_WATCHED: usize = 200;
/// New messages are counted up to here.
const MAX_NEW: u32 = 100;

/// A message as its reader sees it.
struct Seen {
    revision: i32,
    /// Its line; `None` until it was made here once.
    html: Option<u64>,
}

struct Watch {
    pages: Data<Pages>,
    token: String,
    lang: Lang,
    scope: Scope,
    filter: Filter,
    query: Query,
    held: Held,
    known: HashMap<MessageId, Seen>,
    newest: Option<MessageId>,
    is_top: bool,
    last_new: usize,
    last_counts: String,
    looks: u64,
    ready: VecDeque<String>,
    over: bool,
}

pub(crate) async fn live(
    may: May<MessagingView>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let query = Query { cursor: None, ..Query::of(&form) };
    let watch = Watch {
        token: may.visit.secret.clone().unwrap_or_default(),
        lang: may.visit.lang,
        scope: may.caller.scope(),
        filter: query.filter(&pages.rules.quiet_hours),
        query,
        held: Held::default(),
        known: watched(&form),
        newest: form.read("newest"),
        is_top: !form.is_on("deep"),
        last_new: 0,
        last_counts: String::new(),
        looks: 0,
        ready: VecDeque::from(["retry: 2000\n\n".to_owned()]),
        over: false,
        pages,
    };
    let stream = unfold(watch, |mut watch| async move {
        let next = watch.next().await?;
        Some((Ok::<_, PageError>(Bytes::from(next)), watch))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Not to be held back until there is enough to compress.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(stream)))
}

/// What the page shows: `watch=<id>.<revision>`, separated by commas.
fn watched(form: &Form) -> HashMap<MessageId, Seen> {
    let one = |text: &str| {
        let (id, revision) = text.rsplit_once('.')?;
        Some((id.parse().ok()?, Seen { revision: revision.parse().ok()?, html: None }))
    };
    form.get("watch").unwrap_or_default().split(',').filter_map(one).take(MAX_WATCHED).collect()
}

fn digest(html: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    hasher.finish()
}

impl Watch {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over || self.pages.stopping.is_stopping() {
                return None;
            }
            if self.looks > 0 {
                self.pages.clock.sleep(TICK).await;
            }
            match self.look().await {
                Ok(()) => self.looks += 1,
                // The browser connects anew, and sees whether the database is back.
                Err(error) => {
                    tracing::warn!(%error, "live rows ended");
                    self.over = true;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), PageError> {
        if caller(&self.pages, &self.token).await?.is_none_or(|caller| caller.scope() != self.scope) {
            self.say("expired", &json!({}));
            self.over = true;
            return Ok(());
        }
        self.rows().await?;
        if self.is_top {
            self.arrivals().await?;
        }
        let narrowed = self.query.narrows_each_status();
        if self.looks.is_multiple_of(if narrowed { COUNT_OF_FOUND_EVERY } else { COUNTS_EVERY }) {
            self.counts().await?;
        }
        if self.ready.is_empty() && self.looks.is_multiple_of(ALIVE_EVERY) {
            self.ready.push_back(": alive\n\n".to_owned());
        }
        Ok(())
    }

    async fn rows(&mut self) -> Result<(), PageError> {
        let ids: Vec<MessageId> = self.known.keys().copied().collect();
        let ids = self.pages.stores.within(&self.scope, &ids).await?;
        let now = self.pages.clock.now();
        let messages = self.pages.stores.load(&ids).await?;
        if self.looks.is_multiple_of(COUNTS_EVERY) {
            self.held = Held::of(&self.pages, &messages).await?;
        }
        for message in messages {
            let html = Row::new(self.lang, &message, &self.held, &self.pages.rules, now).html()?;
            let now_seen = Seen { revision: message.revision, html: Some(digest(&html)) };
            let before = self.known.insert(message.id, now_seen);
            // The message may be as it was, and what holds it back have changed; of what waits nobody knows at first
            // what the page says.
            let waits = message.state.due_at().is_some();
            let is_same = before.is_some_and(|before| {
                before.revision == message.revision
                    && before.html.map_or(!waits, |seen| seen == digest(&html))
            });
            if is_same {
                continue;
            }
            let id = message.id.to_string();
            self.say("row", &json!({"id": id, "revision": message.revision, "html": html}));
        }
        Ok(())
    }

    async fn arrivals(&mut self) -> Result<(), PageError> {
        let new = self.pages.stores.matching(&self.scope, &self.filter, self.newest, MAX_NEW).await?.len();
        if new != self.last_new {
            self.last_new = new;
            let more = if new >= MAX_NEW as usize { "+" } else { "" };
            let text = self
                .lang
                .t("{n} tin mới – bấm để xem", "{n} new – show")
                .replace("{n}", &format!("{}{more}", self.lang.number(new as u64)));
            self.say("new", &json!({"count": new, "text": text}));
        }
        Ok(())
    }

    async fn counts(&mut self) -> Result<(), PageError> {
        let found = if self.query.narrows_each_status() {
            let list = ListRequest {
                scope: self.scope.clone(),
                filter: self.filter.clone(),
                page: Page::Number(1),
                page_size: 1,
            };
            self.pages.stores.list(&list).await?.total
        } else {
            // Not looked at: each status has its own.
            Total { count: 0, is_estimate: false }
        };
        let counts = Counts::of(&self.pages, &self.scope, &self.query, found).await?;
        let tabs = super::tabs(self.lang, &self.query, &counts);
        let counts: serde_json::Map<_, _> =
            tabs.into_iter().map(|tab| (tab.key.to_owned(), tab.count.into())).collect();
        let counts = serde_json::Value::Object(counts);
        let text = counts.to_string();
        if text != self.last_counts {
            self.last_counts = text;
            self.say("counts", &counts);
        }
        Ok(())
    }

    fn say(&mut self, event: &str, data: &serde_json::Value) {
        // JSON holds no line break, which would end the event.
        self.ready.push_back(format!("event: {event}\ndata: {data}\n\n"));
    }
}
