//! A message's history: as a picture in time, as steps, and as attempts with N8N's answers.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::message::timeline::{EntryKind, Line};
use domain::message::{Content, FailureKind, Message, Status};

use crate::lang::Lang;
use crate::present::people;
use crate::present::status::{self, Pill};
use crate::present::time::{Moment, duration, moment};
use crate::present::told;

/// The picture's width in its own units.
const WIDTH: f64 = 1_000.0;
/// The least width of a part, so that a short one can be seen.
const LEAST: f64 = 18.0;

/// A part of the picture: the message stood there for a while.
pub(crate) struct Part {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) tone: &'static str,
    /// Status and duration, in words.
    pub(crate) title: String,
}

/// The picture: one bar from the creation to the end or to now, and on to when it is expected to go.
pub(crate) struct Strip {
    pub(crate) parts: Vec<Part>,
    /// What its colours mean, each once.
    pub(crate) legend: Vec<(&'static str, &'static str)>,
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    /// What the right end is.
    pub(crate) end: &'static str,
    /// The whole picture in words.
    pub(crate) title: String,
}

impl Strip {
    /// Draws it. Long waits are drawn shorter than they were, by the logarithm: an hour and a second both show.
    pub(crate) fn new(
        lang: Lang,
        message: &Message,
        lines: &[Line],
        expected: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        let is_over = matches!(message.status(), Status::Sent | Status::Skipped | Status::Cancelled);
        let starts = lines.iter().map(|line| (line.at, line.to));
        let ends = lines.iter().skip(1).map(|line| line.at).chain((!is_over).then_some(now));
        let mut spans: Vec<(Status, TimeDelta, bool)> = Vec::new();
        for ((from, status), to) in starts.zip(ends) {
            let time = (to - from).max(TimeDelta::zero());
            match spans.last_mut() {
                Some((last, sum, _)) if *last == status => *sum += time,
                Some(_) | None => spans.push((status, time, false)),
            }
        }
        let ahead = expected.filter(|at| !is_over && *at > now);
        spans.extend(ahead.map(|at| (message.status(), at - now, true)));
        let last = lines.last().map_or(message.created_at, |line| line.at);
        if is_over {
            spans.push((message.status(), TimeDelta::zero(), false));
        }
        let weight = |time: &TimeDelta| (1.0 + time.num_milliseconds().max(0) as f64 / 1_000.0).ln();
        let sum: f64 = spans.iter().map(|(_, time, _)| weight(time)).sum();
        let room = (WIDTH - LEAST * spans.len() as f64).max(0.0);
        let mut x = 0.0;
        let parts: Vec<Part> = spans
            .iter()
            .map(|(status, time, is_ahead)| {
                let share = if sum > 0.0 { weight(time) / sum } else { 1.0 / spans.len() as f64 };
                let width = LEAST + room * share;
                let pill = status::plain(lang, *status);
                let title = if time.is_zero() {
                    pill.label.to_owned()
                } else {
                    format!("{} {}", pill.label, duration(lang, *time))
                };
                let part = Part {
                    x: format!("{x:.1}"),
                    width: format!("{:.1}", (width - 3.0).max(1.0)),
                    tone: if *is_ahead { "ahead" } else { tone(message, *status, pill) },
                    title: if *is_ahead {
                        format!("{} {}", lang.t("dự kiến sau", "expected in"), duration(lang, *time))
                    } else {
                        title
                    },
                };
                x += width;
                part
            })
            .collect();
        let (to, end) = match (is_over, ahead) {
            (true, _) => (last, status::plain(lang, message.status()).label),
            (false, Some(at)) => (at, lang.t("Dự kiến", "Expected")),
            (false, None) => (now, lang.t("Bây giờ", "Now")),
        };
        let mut legend: Vec<(&'static str, &'static str)> = Vec::new();
        for (part, (status, _, is_ahead)) in parts.iter().zip(&spans) {
            let label = match is_ahead {
                true => lang.t("Dự kiến chờ", "Expected to wait"),
                false if part.tone == status::plain(lang, *status).tone => status::plain(lang, *status).label,
                false => {
                    message
                        .state
                        .failure_kind()
                        .map_or(status::failed(lang, FailureKind::Retry), |kind| status::failed(lang, kind))
                        .label
                }
            };
            if !legend.contains(&(part.tone, label)) {
                legend.push((part.tone, label));
            }
        }
        let title = parts.iter().map(|part| part.title.as_str()).collect::<Vec<_>>().join(", ");
        Self {
            title,
            parts,
            legend,
            from: moment(message.created_at, now, zone),
            to: moment(to, now, zone),
            end,
        }
    }
}

/// The colour of a part: the present failure's own, where it is one.
fn tone(message: &Message, status: Status, pill: Pill) -> &'static str {
    match (status, message.state.failure_kind()) {
        (Status::Failed, Some(kind)) => status::failed(Lang(domain::explain::Language::English), kind).tone,
        (Status::Failed, None) => "retry",
        _ => pill.tone,
    }
}

/// One step of the history.
pub(crate) struct Step {
    pub(crate) at: Moment,
    pub(crate) what: &'static str,
    pub(crate) pill: Pill,
    pub(crate) by: String,
    pub(crate) detail: String,
    /// The time since the step before.
    pub(crate) after: String,
}

/// Every step, oldest first.
pub(crate) fn steps(
    lang: Lang,
    content: &Content,
    lines: &[Line],
    now: DateTime<Utc>,
    zone: Tz,
) -> Vec<Step> {
    let before = std::iter::once(None).chain(lines.iter().map(|line| Some(line.at)));
    let step = |(line, before): (&Line, Option<DateTime<Utc>>)| Step {
        at: moment(line.at, now, zone),
        what: status::step(lang, line.kind),
        pill: status::plain(lang, line.to),
        by: people::person(lang, &line.by, content),
        detail: line
            .detail
            .as_deref()
            .map(|detail| told::detail(lang, detail, now, zone))
            .unwrap_or_default(),
        after: before
            .map(|before| line.at - before)
            .filter(|time| *time >= TimeDelta::seconds(1))
            .map(|time| format!("+{}", duration(lang, time)))
            .unwrap_or_default(),
    };
    lines.iter().zip(before).map(step).collect()
}

/// One hand-off, with N8N's answer.
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) at: Moment,
    pub(crate) by: String,
    /// What came of it; empty while nothing has.
    pub(crate) answer: &'static str,
    pub(crate) detail: String,
    pub(crate) took: String,
    pub(crate) pill: Option<Pill>,
}

/// Every hand-off, oldest first.
pub(crate) fn attempts(
    lang: Lang,
    content: &Content,
    lines: &[Line],
    now: DateTime<Utc>,
    zone: Tz,
) -> Vec<Attempt> {
    let mut all: Vec<(DateTime<Utc>, Attempt)> = Vec::new();
    for line in lines {
        match line.kind {
            EntryKind::Leased => all.push((
                line.at,
                Attempt {
                    number: line.attempt,
                    at: moment(line.at, now, zone),
                    by: people::actor(lang, &line.by, content),
                    answer: lang.t("Đang giao cho N8N", "On its way to N8N"),
                    detail: line.detail.as_deref().map(|detail| told::told(lang, detail)).unwrap_or_default(),
                    took: String::new(),
                    pill: None,
                },
            )),
            EntryKind::Created | EntryKind::Cancelled | EntryKind::Requeued | EntryKind::Ignored => {}
            EntryKind::Dispatched
            | EntryKind::OutcomeUnknown
            | EntryKind::Settled
            | EntryKind::Refused
            | EntryKind::NotAccepted
            | EntryKind::Released
            | EntryKind::LeaseExpired
            | EntryKind::CallbackTimedOut
            | EntryKind::Suppressed => {
                let Some((began, attempt)) = all.last_mut() else { continue };
                attempt.answer = status::step(lang, line.kind);
                attempt.pill = Some(status::plain(lang, line.to));
                attempt.took = duration(lang, line.at - *began);
                if let Some(detail) = &line.detail {
                    attempt.detail = told::told(lang, detail);
                }
            }
        }
    }
    all.into_iter().map(|(_, attempt)| attempt).collect()
}
