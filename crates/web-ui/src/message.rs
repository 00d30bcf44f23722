//! `/outbound/messages/{id}`: one message, on a page of its own or in the queue's panel.

pub(crate) mod act;
mod timeline;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::TimeDelta;
use domain::access::Permission;
use domain::channel::Channel;
use domain::ids::MessageId;
use domain::message::{Failure, Message, State, Status, timeline as story};
use domain::sms::{SmsEncoding, SmsMeter};
use domain::usecase::explain::explain_message;

use self::timeline::{Attempt, Strip, attempts};
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::pages::Pages;
use crate::present::people;
use crate::present::status::{self, Pill};
use crate::present::time::{Moment, duration, moment};
use crate::visit::{May, MessagingView};

/// For so long after its creation a message is offered to be taken back: those sent "now" go after this.
pub(crate) const UNDO: TimeDelta = TimeDelta::seconds(10);

/// A fact about the message: what, and its value.
struct Fact {
    label: &'static str,
    value: String,
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    f: &'a Frame,
    id: String,
    revision: i32,
    pill: Pill,
    channel: &'static str,
    channel_icon: &'static str,
    name: String,
    address: String,
    text: &'a str,
    sms: Option<String>,
    reasons: Vec<String>,
    expected: Option<Moment>,
    strip: Strip,
    attempts: Vec<Attempt>,
    lines: Vec<timeline::Step>,
    facts: Vec<Fact>,
    can_cancel: bool,
    can_requeue: bool,
    can_run: bool,
    /// Whether it will move on by itself.
    is_going: bool,
    text_title: &'static str,
    undo_until: Option<String>,
    undo_seconds: i64,
}

pub(crate) async fn message(
    may: May<MessagingView>,
    id: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let id: MessageId = id.parse().map_err(|_| PageError::NotFound)?;
    let detail = pages.stores.detail(id, &may.caller.scope()).await?.ok_or(PageError::NotFound)?;
    let message = &detail.message;
    let lines = story::lines(message, &detail.entries, &detail.holders);
    let explanation = explain_message(&pages.deps(), message, pages.gateway.is_some()).await?;
    let frame = Frame::new(&may.visit, &pages, Place::Queue);
    let (lang, now, zone) = (may.visit.lang, pages.clock.now(), pages.zone());
    let content = &message.content;
    let status = message.status();
    let may_run = may.caller.role.may(Permission::MessagingRun);
    let can_cancel = may_run && matches!(status, Status::Queued | Status::Failed);
    let goes_at = message.content.scheduled_at.filter(|at| *at > now && *at - message.created_at <= UNDO);
    let undo_until = goes_at.filter(|_| can_cancel && status == Status::Queued);
    let page = MessagePage {
        id: message.id.to_string(),
        revision: message.revision,
        pill: status::pill(lang, &message.state),
        channel: people::channel(lang, content.channel),
        channel_icon: people::channel_icon(content.channel),
        name: content.full_name.clone().unwrap_or_default(),
        address: content.to.as_ref().map(|to| people::address(to.as_str())).unwrap_or_default(),
        text: &content.text.0,
        sms: (content.channel == Channel::Sms).then(|| sms(lang, &content.text.0)),
        reasons: explanation.reasons.iter().map(|reason| reason.sentence(lang.0, zone)).collect(),
        expected: explanation.expected_at.map(|at| moment(at, now, zone)),
        strip: Strip::new(lang, message, &lines, explanation.expected_at, now, zone),
        attempts: attempts(lang, content, &lines, now, zone),
        lines: timeline::steps(lang, content, &lines, now, zone),
        facts: facts(&may.visit, message, &pages),
        can_cancel,
        can_requeue: may_run && matches!(status, Status::Failed | Status::Skipped | Status::Cancelled),
        is_going: match &message.state {
            State::Queued(_) | State::Leased(_) | State::Dispatched(_) | State::Failed(Failure::Retry(_)) => {
                true
            }
            State::Failed(Failure::Dead { .. } | Failure::Held { .. })
            | State::Sent(_)
            | State::Skipped { .. }
            | State::Cancelled => false,
        },
        text_title: people::text_title(lang, content.channel, status == Status::Sent),
        can_run: may_run && message.state.due_at().is_some_and(|due| due <= now),
        undo_seconds: undo_until.map_or(0, |at| (at - now).num_seconds() + 1),
        undo_until: undo_until.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
        f: &frame,
    };
    show(&page, &frame)
}

/// What a text is as SMS, in a few words.
fn sms(lang: crate::lang::Lang, text: &str) -> String {
    let size = SmsMeter::measure(text);
    let alphabet = match size.encoding {
        SmsEncoding::Gsm7 => lang.t("không dấu", "plain alphabet"),
        SmsEncoding::Ucs2 => lang.t("có dấu", "Unicode"),
    };
    format!("{} SMS · {} {} · {alphabet}", size.parts, size.characters, lang.t("ký tự", "characters"))
}

fn facts(visit: &crate::visit::Visit, message: &Message, pages: &Pages) -> Vec<Fact> {
    let lang = visit.lang;
    let content = &message.content;
    let (now, zone) = (pages.clock.now(), pages.zone());
    let fact = |label: &'static str, value: Option<String>| {
        value.filter(|value| !value.is_empty()).map(|value| Fact { label, value, href: None })
    };
    let linked = |label: &'static str, value: Option<String>, field: &'static str| {
        fact(label, value).map(|fact| {
            let href = format!("/outbound?{}", crate::form::query([(field, fact.value.as_str())]));
            Fact { href: Some(href), ..fact }
        })
    };
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    let all = [
        fact(lang.t("Ưu tiên", "Priority"), Some(people::priority(lang, message.priority).to_owned())),
        fact(lang.t("Mẫu tin", "Template"), text(content.template_key.as_ref().map(|v| v as _))),
        fact(
            lang.t("Người phụ trách", "Owner"),
            content.owner_name.clone().or_else(|| text(content.owner_id.as_ref().map(|v| v as _))),
        ),
        fact(lang.t("Chi nhánh", "Branch"), text(content.branch_id.as_ref().map(|v| v as _))),
        linked("Lead", text(content.lead_id.as_ref().map(|v| v as _)), "lead"),
        linked(lang.t("Học viên", "Student"), text(content.student_id.as_ref().map(|v| v as _)), "student"),
        content.job_id.map(|id| Fact {
            label: lang.t("Công việc", "Job"),
            value: id.to_string(),
            href: Some(format!("/outbound/jobs/{id}")),
        }),
        fact(lang.t("Tạo lúc", "Created"), Some(moment(message.created_at, now, zone).full)),
        fact(lang.t("Đã tạo được", "Age"), Some(duration(lang, now - message.created_at))),
        fact(lang.t("Tạo bởi", "Created by"), Some(people::actor(lang, &content.created_by, content))),
        fact(
            lang.t("Mã của nhà cung cấp", "Provider id"),
            match &message.state {
                State::Sent(sent) => sent.provider_message_id.clone(),
                State::Queued(_)
                | State::Leased(_)
                | State::Dispatched(_)
                | State::Failed(_)
                | State::Skipped { .. }
                | State::Cancelled => None,
            },
        ),
        fact(lang.t("Mã tin", "Message id"), Some(message.id.to_string())),
    ];
    all.into_iter().flatten().collect()
}
