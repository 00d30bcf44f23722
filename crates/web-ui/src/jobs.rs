//! `/outbound/jobs`: what AI actions and lists asked for, with how far each is.

mod detail;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::{Caller, Permission};
use domain::actor::Actor;
use domain::ids::{OwnerId, SuggestionId};
use domain::job::{Job, JobStatus};
use domain::ports::{JobFilter, JobView};

pub(crate) use self::detail::job;
use crate::error::PageError;
use crate::form::{self, Form};
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::job::{Bar, pill};
use crate::present::names::{Names, user};
use crate::present::people;
use crate::present::status::Pill;
use crate::present::time::{Moment, moment};
use crate::present::told::told;
use crate::visit::{JobsView, May};

/// How many jobs a page has.
const PAGE_SIZE: u32 = 20;

/// The filters, as they stand in the URL. A value that can't be read is no filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Query {
    status: Option<JobStatus>,
    owner: Option<OwnerId>,
    suggestion: Option<SuggestionId>,
    page: u32,
}

impl Query {
    fn parse(query: &str) -> Self {
        let form = Form::parse(query.as_bytes());
        Self {
            status: form.read("status"),
            owner: form.read("owner"),
            suggestion: form.read("suggestion"),
            page: form.read("page").unwrap_or(1).max(1),
        }
    }

    fn filter(&self) -> JobFilter {
        JobFilter {
            status: self.status,
            suggestion_id: self.suggestion.clone(),
            owner_id: self.owner.clone(),
        }
    }

    fn link(&self, status: Option<JobStatus>, page: u32) -> String {
        let page = if page > 1 { page.to_string() } else { String::new() };
        let fields = [
            ("status", status.map_or("", JobStatus::as_str)),
            ("owner", self.owner.as_ref().map_or("", OwnerId::as_str)),
            ("suggestion", self.suggestion.as_ref().map_or("", SuggestionId::as_str)),
            ("page", page.as_str()),
        ];
        let text = form::query(fields);
        if text.is_empty() { "/outbound/jobs".to_owned() } else { format!("/outbound/jobs?{text}") }
    }

    fn is_narrowed(&self) -> bool {
        self.status.is_some() || self.owner.is_some() || self.suggestion.is_some()
    }

    fn status_word(&self) -> &'static str {
        self.status.map_or("", JobStatus::as_str)
    }

    fn owner_word(&self) -> &str {
        self.owner.as_ref().map_or("", OwnerId::as_str)
    }

    fn suggestion_word(&self) -> &str {
        self.suggestion.as_ref().map_or("", SuggestionId::as_str)
    }
}

struct Tab {
    href: String,
    label: &'static str,
    tone: &'static str,
    icon: &'static str,
    is_here: bool,
}

/// A job as a line of the list.
struct Line {
    id: String,
    title: String,
    source: String,
    pill: Pill,
    bar: Bar,
    by: String,
    created: Moment,
    error: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage<'a> {
    f: &'a Frame,
    query: &'a Query,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    total: String,
    previous: Option<String>,
    next: Option<String>,
    is_going: bool,
    knows_owners: bool,
}

pub(crate) async fn jobs(
    may: May<JobsView>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let query = Query::parse(request.query_string());
    let scope = may.caller.scope();
    let found = pages.stores.jobs(&scope, &query.filter(), query.page, PAGE_SIZE).await?;
    let frame = Frame::new(&may.visit, &pages, Place::Jobs);
    let lang = may.visit.lang;
    let makers = found.items.iter().filter_map(|view| user(&view.job.created_by));
    let people = People { caller: &may.caller, names: Names::of(&pages, makers).await? };
    let lines: Vec<Line> =
        found.items.into_iter().map(|view| line(lang, seen(&may.caller, view), &people, &pages)).collect();
    let shown = u64::from(query.page) * u64::from(PAGE_SIZE);
    let count = lang.number(found.total.count);
    let page = JobsPage {
        f: &frame,
        tabs: tabs(lang, &query),
        total: if found.total.is_estimate { format!("≈ {count}") } else { count },
        previous: (query.page > 1).then(|| query.link(query.status, query.page - 1)),
        next: (shown < found.total.count).then(|| query.link(query.status, query.page.saturating_add(1))),
        is_going: lines.iter().any(|line| line.bar.is_going),
        knows_owners: scope.owner.is_none(),
        lines,
        query: &query,
    };
    show(&page, &frame)
}

/// The job as the visitor may see it.
fn seen(caller: &Caller, view: JobView) -> JobView {
    if caller.role.may(Permission::MessagingView) {
        view
    } else {
        JobView { job: view.job.withheld(), ..view }
    }
}

fn tabs(lang: Lang, query: &Query) -> Vec<Tab> {
    let all = Tab {
        href: query.link(None, 1),
        label: lang.t("Tất cả", "All"),
        tone: "all",
        icon: "job",
        is_here: query.status.is_none(),
    };
    let rest = JobStatus::ALL.iter().map(|status| {
        let Pill { tone, icon, label } = pill(lang, *status);
        Tab { href: query.link(Some(*status), 1), label, tone, icon, is_here: query.status == Some(*status) }
    });
    std::iter::once(all).chain(rest).collect()
}

fn line(lang: Lang, view: JobView, people: &People<'_>, pages: &Pages) -> Line {
    let JobView { job, message_counts, retries_waiting: _ } = view;
    Line {
        id: job.id.to_string(),
        source: source(lang, &job),
        pill: pill(lang, job.status),
        bar: Bar::new(lang, &message_counts),
        by: people.who(lang, &job.created_by),
        created: moment(job.created_at, pages.clock.now(), pages.zone()),
        error: job.last_error.as_deref().map(|error| told(lang, error)).unwrap_or_default(),
        title: job.title,
    }
}

/// What the job came from.
fn source(lang: Lang, job: &Job) -> String {
    let action = job.action_key.as_ref().map(ToString::to_string);
    let suggestion = job.suggestion_id.as_ref().map(|id| format!("{} {id}", lang.t("gợi ý", "suggestion")));
    action.into_iter().chain(suggestion).collect::<Vec<_>>().join(" · ")
}

/// Those who have to do with jobs, as the visitor calls them.
struct People<'a> {
    caller: &'a Caller,
    names: Names,
}

impl People<'_> {
    fn who(&self, lang: Lang, actor: &Actor) -> String {
        people::whoever(lang, actor, |id| match *id == self.caller.subject {
            true => lang.t("bạn", "you").to_owned(),
            false => self.names.name(id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_the_filters_and_a_tab_begins_at_the_first_page() {
        let query = Query::parse("status=DONE&owner=u1&page=3&suggestion=");
        assert_eq!(query.link(query.status, 4), "/outbound/jobs?status=DONE&owner=u1&page=4");
        assert_eq!(query.link(Some(JobStatus::New), 1), "/outbound/jobs?status=NEW&owner=u1");
        assert_eq!(Query::parse("status=nonsense&page=0").link(None, 1), "/outbound/jobs");
    }
}
