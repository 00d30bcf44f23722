//! `/outbound/jobs/{id}`: one job, its history and its messages.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use domain::access::{Caller, Permission};
use domain::ids::JobId;
use domain::job::{Job, JobEntry};
use domain::message::Message;
use domain::ports::{Filter, ListRequest, Page};

use super::{People, seen};
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::held::Held;
use crate::present::job::{Bar, pill};
use crate::present::names::{Names, user};
use crate::present::people;
use crate::present::status::{self, Pill};
use crate::present::time::{Moment, moment};
use crate::present::told::told;
use crate::visit::{JobsView, May};

/// How many of its messages are shown; the queue has them all.
const SHOWN: u32 = 12;

/// A line of the history.
struct Step {
    pill: Pill,
    by: String,
    at: Moment,
    detail: String,
}

/// One of the job's messages.
struct Line {
    id: String,
    name: String,
    address: String,
    text: String,
    pill: Pill,
    note: String,
}

struct Fact {
    label: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage<'a> {
    f: &'a Frame,
    title: String,
    pill: Pill,
    note: String,
    error: String,
    bar: Bar,
    steps: Vec<Step>,
    facts: Vec<Fact>,
    /// `None` for those who may not read messages.
    messages: Option<Vec<Line>>,
    /// Where the queue shows all of them.
    queue: String,
}

pub(crate) async fn job(
    may: May<JobsView>,
    id: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let id: JobId = id.parse().map_err(|_| PageError::NotFound)?;
    let caller = &may.caller;
    let view = pages.stores.job(id, &caller.scope()).await?.ok_or(PageError::NotFound)?;
    let view = seen(caller, view);
    let history = pages.stores.job_history(id).await?;
    let reads = caller.role.may(Permission::MessagingView);
    let messages = if reads { Some(messages(may.visit.lang, id, caller, &pages).await?) } else { None };
    let frame = Frame::new(&may.visit, &pages, Place::Jobs);
    let lang = may.visit.lang;
    let job = view.job;
    let users = history.iter().map(|entry| &entry.by).chain([&job.created_by]).filter_map(user);
    let names = Names::of(&pages, users.chain(job.owner_id.clone())).await?;
    let people = People { caller, names };
    let lines = history.into_iter().map(|entry| if reads { entry } else { entry.withheld() });
    let page = JobPage {
        f: &frame,
        pill: pill(lang, job.status),
        bar: Bar::new(lang, &view.message_counts),
        steps: lines.map(|entry| step(lang, entry, &people, &pages)).collect(),
        facts: facts(lang, &job, &people, &pages),
        note: job.note.unwrap_or_default(),
        error: job.last_error.as_deref().map(|error| told(lang, error)).unwrap_or_default(),
        title: job.title,
        messages,
        queue: format!("/outbound?job={id}"),
    };
    show(&page, &frame)
}

async fn messages(lang: Lang, job: JobId, caller: &Caller, pages: &Pages) -> Result<Vec<Line>, PageError> {
    let request = ListRequest {
        scope: caller.scope(),
        filter: Filter { job_id: Some(job), ..Filter::default() },
        page: Page::Number(1),
        page_size: SHOWN,
    };
    let found = pages.stores.list(&request).await?;
    let held = Held::of(pages, &found.items).await?;
    Ok(found.items.iter().map(|message| line(lang, message, &held, pages)).collect())
}

fn line(lang: Lang, message: &Message, held: &Held, pages: &Pages) -> Line {
    let content = &message.content;
    let address = content.to.as_ref().map(|to| people::address(to.as_str())).unwrap_or_default();
    Line {
        id: message.id.to_string(),
        name: content.full_name.clone().unwrap_or_else(|| address.clone()),
        address,
        text: content.text.0.chars().take(160).collect(),
        pill: status::pill(lang, &message.state),
        note: status::note(lang, message, held, &pages.rules, pages.clock.now()),
    }
}

fn step(lang: Lang, entry: JobEntry, people: &People<'_>, pages: &Pages) -> Step {
    let JobEntry { at, from, to, by: actor, detail } = entry;
    let mut pill = pill(lang, to);
    if from.is_none() {
        pill.label = lang.t("Tạo công việc", "Created");
    }
    Step {
        pill,
        by: people.who(lang, &actor),
        at: moment(at, pages.clock.now(), pages.zone()),
        detail: detail.as_deref().map(|detail| told(lang, detail)).unwrap_or_default(),
    }
}

fn facts(lang: Lang, job: &Job, people: &People<'_>, pages: &Pages) -> Vec<Fact> {
    let at = |at| moment(at, pages.clock.now(), pages.zone()).full;
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    let all = [
        (lang.t("Hành động AI", "AI action"), text(job.action_key.as_ref().map(|v| v as _))),
        (lang.t("Gợi ý AI", "AI suggestion"), text(job.suggestion_id.as_ref().map(|v| v as _))),
        (lang.t("Việc trong CRM", "CRM task"), text(job.task_id.as_ref().map(|v| v as _))),
        (lang.t("Lượt chạy N8N", "N8N's run"), text(job.run_id.as_ref().map(|v| v as _))),
        (lang.t("Người phụ trách", "Owner"), job.owner_id.as_ref().map(|id| people.names.name(id))),
        (lang.t("Chi nhánh", "Branch"), text(job.branch_id.as_ref().map(|v| v as _))),
        (lang.t("Tạo bởi", "Created by"), Some(people.who(lang, &job.created_by))),
        (lang.t("Tạo lúc", "Created"), Some(at(job.created_at))),
        (lang.t("Bắt đầu", "Started"), job.dispatched_at.map(at)),
        (lang.t("Xong lúc", "Done"), job.done_at.map(at)),
        (lang.t("Mã công việc", "Job id"), Some(job.id.to_string())),
    ];
    all.into_iter().filter_map(|(label, value)| Some(Fact { label, value: value? })).collect()
}
