//! `/outbound/matching`: cancel or requeue all that match a filter.
//!
//! First it is said how many there are. Then each form does some of them and tells how far it has come: the script
//! goes on by itself, and without it a click does. What arrived after the confirmation is left alone.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::ids::MessageId;
use domain::message::{FailureKind, Status};
use domain::ports::{ListRequest, Page, Total};
use domain::usecase::manage::{Act, manage};

use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::{Frame, Place, go_to_saying, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::held::Held;
use crate::present::told::told;
use crate::present::{people, status};
use crate::queue::query::Query;
use crate::queue::row::Row;
use crate::queue::total;
use crate::visit::{May, MessagingRun, Posted};

/// So many messages are read and saved at a time.
const PORTION: u32 = 1_000;
/// So many portions a form does.
const PORTIONS: u32 = 5;
/// So many of those that match are shown.
const SHOWN: u32 = 5;

/// What may be done with them.
struct Choice {
    word: &'static str,
    icon: &'static str,
    class: &'static str,
    label: String,
    note: &'static str,
}

#[derive(Template)]
#[template(path = "matching.html")]
struct MatchingPage<'a> {
    f: &'a Frame,
    back: String,
    conditions: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, String)>,
    count: String,
    is_nothing: bool,
    is_held: bool,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    until: String,
    total: u64,
}

#[derive(Template)]
#[template(path = "matching_step.html")]
struct StepPage<'a> {
    f: &'a Frame,
    back: String,
    title: &'static str,
    act: &'static str,
    fields: Vec<(&'static str, String)>,
    progress: Progress,
    until: String,
    done: String,
    most: u64,
    of: String,
    refused: String,
}

/// How far the work has come; it travels with the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    after: Option<MessageId>,
    changed: u64,
    refused: u64,
    total: u64,
}

impl Progress {
    fn of(form: &Form) -> Self {
        Self {
            after: form.read("after"),
            changed: form.read("changed").unwrap_or(0),
            refused: form.read("refused").unwrap_or(0),
            total: form.read("total").unwrap_or(0),
        }
    }

    const fn done(&self) -> u64 {
        self.changed + self.refused
    }

    fn after_word(&self) -> String {
        self.after.map(|id| id.to_string()).unwrap_or_default()
    }
}

fn act_of(form: &Form) -> Option<Act> {
    match form.get("act") {
        Some("cancel") => Some(Act::Cancel),
        Some("requeue") => Some(Act::Requeue),
        Some(_) | None => None,
    }
}

pub(crate) async fn confirm(
    may: May<MessagingRun>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let query = Query { cursor: None, ..Query::of(&form) };
    let lang = may.visit.lang;
    let list = ListRequest {
        scope: may.caller.scope(),
        filter: query.filter(&pages.rules.quiet_hours),
        page: Page::Number(1),
        page_size: SHOWN,
    };
    let found = pages.stores.list(&list).await?;
    let (now, held) = (pages.clock.now(), Held::of(&pages, &found.items).await?);
    let frame = Frame::new(&may.visit, &pages, Place::Queue);
    let page = MatchingPage {
        f: &frame,
        back: query.link(&[]),
        conditions: conditions(lang, &query),
        fields: fields(&query),
        count: total(lang, found.total),
        is_nothing: found.items.is_empty(),
        is_held: may_have_been_sent(&query),
        choices: choices(lang, &query, act_of(&form), found.total),
        rows: found.items.iter().map(|message| Row::new(lang, message, &held, &pages.rules, now)).collect(),
        until: found.items.first().map(|message| message.id.to_string()).unwrap_or_default(),
        total: found.total.count,
    };
    show(&page, &frame)
}

pub(crate) async fn go_on(
    posted: Posted<MessagingRun>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let act = act_of(&form).ok_or(PageError::Unreadable)?;
    let until: MessageId = form.read("until").ok_or(PageError::Unreadable)?;
    let query = Query { cursor: None, ..Query::of(&form) };
    let mut progress = Progress::of(&form);
    let is_over = some(&pages, &may, act, &query, until, &mut progress).await?;
    let said = match act {
        Act::Cancel => Said::Cancelled,
        Act::Requeue => Said::Requeued,
    };
    if is_over {
        return Ok(go_to_saying(
            &query.link(&[]),
            Flash::counted(said, progress.changed, progress.refused),
            &pages,
        ));
    }
    let frame = Frame::new(&may.visit, &pages, Place::Queue);
    let lang = may.visit.lang;
    let page = StepPage {
        f: &frame,
        back: query.link(&[]),
        title: match act {
            Act::Cancel => lang.t("Đang hủy các tin khớp", "Cancelling all that match"),
            Act::Requeue => lang.t("Đang xếp lại các tin khớp", "Requeueing all that match"),
        },
        act: word(act),
        fields: fields(&query),
        until: until.to_string(),
        done: lang.number(progress.done()),
        most: progress.total.max(progress.done()),
        of: lang.number(progress.total.max(progress.done())),
        refused: lang.number(progress.refused),
        progress,
    };
    show(&page, &frame)
}

/// Does the next portions; whether that was all.
async fn some(
    pages: &Pages,
    may: &May<MessagingRun>,
    act: Act,
    query: &Query,
    until: MessageId,
    progress: &mut Progress,
) -> Result<bool, PageError> {
    let (scope, filter) = (may.caller.scope(), query.filter(&pages.rules.quiet_hours));
    for _ in 0..PORTIONS {
        let found = pages.stores.matching(&scope, &filter, progress.after, PORTION).await?;
        let is_last = found.len() < PORTION as usize || found.last().is_some_and(|id| *id >= until);
        let ids: Vec<MessageId> = found.into_iter().filter(|id| *id <= until).collect();
        let Some(last) = ids.last() else { return Ok(true) };
        let managed = manage(&pages.deps(), act, &may.actor(), &scope, &ids).await?;
        progress.changed += managed.changed.len() as u64;
        progress.refused += (managed.refused.len() + managed.contended.len()) as u64;
        progress.after = Some(*last);
        if is_last {
            return Ok(true);
        }
    }
    Ok(false)
}

const fn word(act: Act) -> &'static str {
    match act {
        Act::Cancel => "cancel",
        Act::Requeue => "requeue",
    }
}

/// What is asked for may be done; what the state never allows is not offered.
fn choices(lang: Lang, query: &Query, asked: Option<Act>, found: Total) -> Vec<Choice> {
    let allowed = |act: Act| match (act, query.status) {
        (_, None | Some(Status::Failed))
        | (Act::Cancel, Some(Status::Queued))
        | (Act::Requeue, Some(Status::Skipped | Status::Cancelled)) => true,
        (_, Some(Status::Leased | Status::Dispatched | Status::Sent))
        | (Act::Cancel, Some(Status::Skipped | Status::Cancelled))
        | (Act::Requeue, Some(Status::Queued)) => false,
    };
    let n = total(lang, found);
    let choice = |act: Act| match act {
        Act::Requeue => Choice {
            word: word(act),
            icon: "loop",
            class: "primary",
            label: lang.t("Xếp lại {n} tin", "Requeue {n} message(s)").replace("{n}", &n),
            note: lang.t(
                "Tin lỗi, bị bỏ qua hoặc đã hủy vào lại hàng đợi, số lần thử tính lại từ đầu.",
                "Failed, skipped and cancelled ones are queued anew, with all their attempts.",
            ),
        },
        Act::Cancel => Choice {
            word: word(act),
            icon: "stop",
            class: "danger",
            label: lang.t("Hủy {n} tin", "Cancel {n} message(s)").replace("{n}", &n),
            note: lang.t(
                "Tin đang chờ hoặc bị lỗi sẽ không được gửi nữa.",
                "Queued and failed ones will not be sent any more.",
            ),
        },
    };
    let all = [Act::Requeue, Act::Cancel].into_iter();
    all.filter(|act| asked.is_none_or(|asked| asked == *act) && allowed(*act)).map(choice).collect()
}

fn may_have_been_sent(query: &Query) -> bool {
    match (query.status, query.kind) {
        (Some(Status::Failed), Some(FailureKind::Held) | None) | (None, _) => true,
        (Some(Status::Failed), Some(FailureKind::Retry | FailureKind::Dead))
        | (
            Some(
                Status::Queued
                | Status::Leased
                | Status::Dispatched
                | Status::Sent
                | Status::Skipped
                | Status::Cancelled,
            ),
            _,
        ) => false,
    }
}

/// The filter for the form to keep.
fn fields(query: &Query) -> Vec<(&'static str, String)> {
    query.fields().into_iter().filter(|(name, value)| *name != "cursor" && !value.is_empty()).collect()
}

/// The filter in words.
fn conditions(lang: Lang, query: &Query) -> Vec<(&'static str, String)> {
    fields(query)
        .into_iter()
        .map(|(name, value)| match name {
            "status" => (
                lang.t("Trạng thái", "Status"),
                query.status.map_or(value, |one| status::plain(lang, one).label.to_owned()),
            ),
            "kind" => (
                lang.t("Loại lỗi", "Kind"),
                query.kind.map_or(value, |one| status::failed(lang, one).label.to_owned()),
            ),
            "cause" => (lang.t("Nguyên nhân", "Cause"), told(lang, &value)),
            "channel" => (
                lang.t("Kênh", "Channel"),
                query.channel.map_or(value, |one| people::channel(lang, one).to_owned()),
            ),
            "priority" => (
                lang.t("Ưu tiên", "Priority"),
                query.priority.map_or(value, |one| people::priority(lang, one).to_owned()),
            ),
            "from" => (lang.t("Từ ngày", "From"), value),
            "to" => (lang.t("Đến ngày", "To"), value),
            "q" => (lang.t("Tìm", "Search"), value),
            "owner" => (lang.t("Phụ trách", "Owner"), value),
            "branch" => (lang.t("Chi nhánh", "Branch"), value),
            "lead" => (lang.t("Khách", "Lead"), value),
            "student" => (lang.t("Học viên", "Student"), value),
            _ => (lang.t("Công việc", "Job"), value),
        })
        .collect()
}
