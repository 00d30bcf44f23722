//! The form with its preview.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::TimeDelta;
use chrono_tz::Tz;
use domain::access::Permission;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::explain::Reason;
use domain::phone::PhoneNumber;
use domain::sms::strip_diacritics;
use domain::usecase::create::advise::advise;
use domain::usecase::create::notice::Notice;
use domain::usecase::create::prepare::Problem;

use super::draft::{Draft, Recipient};
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::choice::{Choice, channels, priorities, templates};
use crate::present::sms::{Meter, Stretch};
use crate::present::time::{LOCAL, Moment, moment};
use crate::present::{people, problem, sms};
use crate::visit::{May, MessagingCreate};

/// How many contacts are offered.
const OFFERED: u32 = 6;

struct Variable {
    name: String,
    label: String,
    value: String,
    /// What it is filled with where it is left empty.
    is_known: bool,
    is_missing: bool,
}

#[derive(Template)]
#[template(path = "compose.html")]
struct Compose<'a> {
    f: &'a Frame,
    draft: &'a Draft,
    channels: Vec<Choice>,
    templates: Vec<Choice>,
    priorities: Vec<Choice>,
    people: Vec<Choice>,
    variables: Vec<Variable>,
    names: String,
    text: Vec<Stretch>,
    is_empty: bool,
    channel_icon: &'static str,
    text_title: &'static str,
    to: String,
    meter: Option<Meter>,
    problems: Vec<String>,
    notices: Vec<String>,
    expected: Option<Moment>,
    is_ready: bool,
    earliest: String,
    undo_seconds: i64,
    may_undo: bool,
}

/// The page of a draft. `refused` is what sending it came to.
pub(super) async fn page(
    may: &May<MessagingCreate>,
    pages: &Pages,
    mut draft: Draft,
    refused: Vec<Problem>,
) -> Result<HttpResponse, PageError> {
    let (lang, now, zone) = (may.visit.lang, pages.clock.now(), pages.zone());
    let all = pages.stores.templates().await?;
    let mine: Vec<_> = all.iter().filter(|one| one.is_active && one.channel == draft.channel).collect();
    // Another channel has other templates.
    draft.template = draft.template.filter(|key| mine.iter().any(|one| one.key == *key));
    let template = draft.template.as_ref().and_then(|key| mine.iter().find(|one| one.key == *key));
    let found = people_for(may, pages, &draft).await?;
    let filled = draft.filled(pages, &may.caller).await?;
    let (text, missing, mut problems) = match filled {
        Ok((text, missing)) => (text, missing, Vec::new()),
        Err(problems) => {
            (template.map(|one| one.body.source().to_owned()).unwrap_or_default(), Vec::new(), problems)
        }
    };
    let mut notices = Vec::new();
    let mut expected = None;
    let mut to = String::new();
    match draft.command(pages, now) {
        Ok(command) if draft.recipient.is_some() => {
            let advice = advise(&pages.deps(), &may.caller, &command, pages.gateway.is_some()).await?;
            problems.extend(advice.problems);
            notices.extend(advice.notices);
            expected = advice.expected_at;
            for recipient in advice.recipients {
                problems.extend(recipient.problems);
                notices.extend(recipient.notices);
                to = recipient.to.map(|to| people::address(to.as_str())).unwrap_or_default();
            }
        }
        Ok(_) => {}
        Err(more) => problems.extend(more),
    }
    let asked = !refused.is_empty();
    problems.extend(refused);
    if !draft.is_later {
        // That it waits for the time to take it back is said beside the button.
        notices.retain(|notice| !matches!(notice, Notice::Fate(Reason::Scheduled(_))));
    }
    // The meter says how many SMS it takes.
    notices.retain(|notice| !matches!(notice, Notice::SmsParts(_) | Notice::SmsUnicode { .. }));
    let is_skipped = notices.iter().any(is_skip);
    let mut said: Vec<String> = problems.iter().map(|one| problem::sentence(lang, one)).collect();
    said.dedup();
    let shown = if draft.plain { strip_diacritics(&text) } else { text.clone() };
    let frame = Frame::new(&may.visit, pages, Place::Compose).of_draft("/outbound/compose/check");
    let page = Compose {
        channels: channels(lang, draft.channel),
        templates: templates(&mine, draft.template.as_ref()),
        priorities: priorities(lang, draft.priority),
        people: choices(lang, &found, &draft),
        variables: variables(lang, template.map_or(&[][..], |one| one.body.variables()), &draft, &missing),
        names: template.map(|one| one.key.to_string()).unwrap_or_default(),
        text: sms::costly(&shown, draft.channel),
        is_empty: shown.trim().is_empty(),
        channel_icon: people::channel_icon(draft.channel),
        text_title: people::text_title(lang, draft.channel, false),
        to,
        meter: (draft.channel == Channel::Sms && !shown.trim().is_empty())
            .then(|| Meter::new(lang, &shown, &text)),
        is_ready: said.is_empty()
            && draft.recipient.is_some()
            && missing.is_empty()
            && !shown.trim().is_empty(),
        problems: said,
        notices: notices.iter().map(|notice| noticed(lang, notice, &draft, zone)).collect(),
        expected: expected
            .filter(|_| draft.is_later || expected.is_some_and(|at| at > now + TimeDelta::seconds(15)))
            .map(|at| moment(at, now, zone)),
        earliest: now.with_timezone(&zone).format(LOCAL).to_string(),
        undo_seconds: crate::message::UNDO.num_seconds(),
        may_undo: may.caller.role.may(Permission::MessagingRun) && !is_skipped,
        draft: &draft,
        f: &frame,
    };
    let mut answer = show(&page, &frame)?;
    if asked {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// Whether it would be stored without being sent.
fn is_skip(notice: &Notice) -> bool {
    matches!(notice, Notice::Fate(Reason::Duplicate | Reason::Suppressed | Reason::WillBeSuppressed))
}

/// A notice about a message that nobody has stored yet.
fn noticed(lang: Lang, notice: &Notice, draft: &Draft, zone: Tz) -> String {
    let Notice::Fate(Reason::Duplicate) = notice else { return notice.sentence(lang.0, zone) };
    let text = if draft.template.is_some() {
        lang.t(
            "Hôm nay người này đã có tin theo mẫu này: tin mới sẽ bị bỏ qua, trừ khi cho phép trùng.",
            "They have a message of this template today: a new one is skipped, unless a duplicate is allowed.",
        )
    } else {
        lang.t(
            "Hôm nay người này đã có tin cùng nội dung: tin mới sẽ bị bỏ qua, trừ khi cho phép trùng.",
            "They have a message with this text today: a new one is skipped, unless a duplicate is allowed.",
        )
    };
    text.to_owned()
}

/// The contacts that are offered, the chosen one first.
async fn people_for(
    may: &May<MessagingCreate>,
    pages: &Pages,
    draft: &Draft,
) -> Result<Vec<Contact>, PageError> {
    let scope = may.caller.scope();
    let compact: String = draft.search.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    let is_number = compact.len() >= 3 && compact.bytes().all(|byte| byte.is_ascii_digit());
    let wanted = if is_number { compact.trim_start_matches('0') } else { draft.search.as_str() };
    let mut found = pages.stores.search_contacts(&scope, wanted, OFFERED).await?;
    let chosen = match &draft.recipient {
        Some(Recipient::Lead(id)) => Some(ContactId::Lead(id.clone())),
        Some(Recipient::Student(id)) => Some(ContactId::Student(id.clone())),
        Some(Recipient::To(_)) | None => None,
    };
    if let Some(id) = chosen.filter(|id| !found.iter().any(|one| one.id == *id)) {
        let known = pages.stores.contacts(&[id]).await?;
        let mine =
            known.into_iter().filter(|one| scope.covers(one.owner_id.as_ref(), one.branch_id.as_ref()));
        found.splice(0..0, mine);
    }
    Ok(found)
}

fn choices(lang: Lang, found: &[Contact], draft: &Draft) -> Vec<Choice> {
    let contact = |one: &Contact| {
        let recipient = match &one.id {
            ContactId::Lead(id) => Recipient::Lead(id.clone()),
            ContactId::Student(id) => Recipient::Student(id.clone()),
        };
        let kind = match &one.id {
            ContactId::Lead(_) => "Lead",
            ContactId::Student(_) => lang.t("Học viên", "Student"),
        };
        let phone = one.phone.as_ref().map(|phone| people::address(phone.as_str()));
        let opted_out = one
            .opted_out
            .contains(&draft.channel)
            .then(|| lang.t("đã từ chối kênh này", "opted out of this channel").to_owned());
        let parts = [phone, Some(kind.to_owned()), opted_out];
        Choice {
            label: one.full_name.clone().unwrap_or_else(|| recipient.word()),
            note: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            icon: "",
            is_chosen: draft.recipient.as_ref() == Some(&recipient),
            value: recipient.word(),
        }
    };
    let typed = match &draft.recipient {
        Some(Recipient::To(to)) => Some(to.clone()),
        Some(Recipient::Lead(_) | Recipient::Student(_)) | None => None,
    };
    let number = PhoneNumber::parse(&draft.search).ok().map(|number| number.as_str().to_owned());
    let known =
        |to: &String| found.iter().any(|one| one.phone.as_ref().is_some_and(|phone| phone.as_str() == to));
    let bare = number.filter(|to| !known(to)).or(typed).map(|to| Choice {
        label: people::address(&to),
        note: lang.t("Số mới, chưa có trong danh bạ", "A new number, not among the contacts").to_owned(),
        icon: "",
        is_chosen: draft.recipient == Some(Recipient::To(to.clone())),
        value: Recipient::To(to).word(),
    });
    let mut all: Vec<Choice> = bare.into_iter().chain(found.iter().map(contact)).collect();
    // Somebody whom a link names, but who is not the visitor's to write to: shown as such until another is chosen.
    if let Some(other) = draft.recipient.as_ref().filter(|_| !all.iter().any(|one| one.is_chosen)) {
        all.insert(
            0,
            Choice {
                label: other.word(),
                note: lang.t("Không có trong danh bạ của bạn", "Not among your contacts").to_owned(),
                icon: "",
                is_chosen: true,
                value: other.word(),
            },
        );
    }
    all
}

fn variables(lang: Lang, names: &[String], draft: &Draft, missing: &[String]) -> Vec<Variable> {
    let one = |name: &String| Variable {
        label: problem::variable(lang, name),
        value: draft.variables.get(name).cloned().unwrap_or_default(),
        is_known: matches!(name.as_str(), "name" | "phone" | "ownerName"),
        is_missing: draft.recipient.is_some() && missing.contains(name),
        name: name.clone(),
    };
    names.iter().map(one).collect()
}
