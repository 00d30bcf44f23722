//! Where a message stands: a word, a shape and a colour.

use chrono::{DateTime, Utc};
use domain::message::timeline::EntryKind;
use domain::message::{Failure, FailureKind, Message, State, Status};
use domain::rules::Rules;

use super::held::Held;
use super::time::moment;
use super::told::told;
use crate::lang::Lang;

/// A status as a page shows it. Colour is never alone: each has its own shape and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pill {
    /// The colour's class.
    pub(crate) tone: &'static str,
    /// The shape.
    pub(crate) icon: &'static str,
    /// The word.
    pub(crate) label: &'static str,
}

/// Where a message stands, its kind of failure included.
pub(crate) const fn pill(lang: Lang, state: &State) -> Pill {
    match state {
        State::Failed(failure) => failed(lang, failure.kind()),
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Skipped { .. }
        | State::Cancelled => plain(lang, state.status()),
    }
}

/// A status word alone.
pub(crate) const fn plain(lang: Lang, status: Status) -> Pill {
    let (tone, icon, label) = match status {
        Status::Queued => ("queued", "clock", lang.t("Chờ gửi", "Queued")),
        Status::Leased => ("leased", "half", lang.t("Đang chuyển", "Handing off")),
        Status::Dispatched => ("dispatched", "arrow", lang.t("Chờ phản hồi", "Awaiting reply")),
        Status::Sent => ("sent", "check", lang.t("Đã gửi", "Sent")),
        Status::Failed => ("dead", "cross", lang.t("Lỗi", "Failed")),
        Status::Skipped => ("skipped", "slash", lang.t("Bỏ qua", "Skipped")),
        Status::Cancelled => ("cancelled", "stop", lang.t("Đã hủy", "Cancelled")),
    };
    Pill { tone, icon, label }
}

/// A FAILED message by what it waits for.
pub(crate) const fn failed(lang: Lang, kind: FailureKind) -> Pill {
    let (tone, icon, label) = match kind {
        FailureKind::Retry => ("retry", "loop", lang.t("Chờ thử lại", "Retrying")),
        FailureKind::Dead => ("dead", "cross", lang.t("Dừng hẳn", "Given up")),
        FailureKind::Held => ("held", "question", lang.t("Tạm giữ", "On hold")),
    };
    Pill { tone, icon, label }
}

/// A status word, and of FAILED ones what they wait for.
pub(crate) const fn standing(lang: Lang, status: Status, kind: Option<FailureKind>) -> Pill {
    match kind {
        Some(kind) => failed(lang, kind),
        None => plain(lang, status),
    }
}

/// The line under a status: when it goes on, or why it does not.
pub(crate) fn note(lang: Lang, message: &Message, held: &Held, rules: &Rules, now: DateTime<Utc>) -> String {
    let at = |at: DateTime<Utc>| moment(at, now, rules.quiet_hours.zone()).short;
    if let Some(word) = held.word(lang, message, rules, now) {
        return word;
    }
    match &message.state {
        State::Queued(waiting) if waiting.due_at > now => {
            format!("{} {}", lang.t("gửi lúc", "goes at"), at(waiting.due_at))
        }
        State::Queued(waiting) => {
            let next = || lang.t("đến lượt", "next in line").to_owned();
            waiting.error.as_ref().map_or_else(next, |error| told(lang, error))
        }
        State::Leased(_) => lang.t("đang giao cho N8N", "on its way to N8N").to_owned(),
        State::Dispatched(flight) => format!("{} {}", lang.t("chờ đến", "until"), at(flight.deadline)),
        State::Sent(sent) => at(sent.sent_at),
        State::Failed(Failure::Retry(retry)) if retry.due_at > now => {
            format!("{} {}", lang.t("thử lại lúc", "again at"), at(retry.due_at))
        }
        State::Failed(Failure::Retry(retry)) => told(lang, &retry.error),
        State::Failed(Failure::Dead { error } | Failure::Held { error, .. }) => told(lang, error),
        State::Skipped { reason } => told(lang, reason),
        State::Cancelled => String::new(),
    }
}

/// What a line of the timeline tells.
pub(crate) const fn step(lang: Lang, kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Created => lang.t("Tạo tin", "Created"),
        EntryKind::Leased => lang.t("Lượt gửi nhận tin", "Taken by a run"),
        EntryKind::Dispatched => lang.t("N8N đã nhận", "Handed to N8N"),
        EntryKind::OutcomeUnknown => {
            lang.t("N8N không trả lời: chưa rõ kết quả", "N8N gave no answer: outcome unknown")
        }
        EntryKind::Settled => lang.t("N8N báo kết quả", "N8N reported the outcome"),
        EntryKind::Refused => lang.t("N8N từ chối", "N8N refused it"),
        EntryKind::NotAccepted => lang.t("N8N chưa nhận được", "N8N did not accept it"),
        EntryKind::Released => lang.t("Trả lại hàng đợi", "Given back to the queue"),
        EntryKind::LeaseExpired => lang.t("Lượt gửi bị ngắt", "The run was lost"),
        EntryKind::CallbackTimedOut => lang.t("Hết giờ chờ phản hồi", "No callback in time"),
        EntryKind::Suppressed => lang.t("Người nhận đã từ chối", "The recipient had opted out"),
        EntryKind::Cancelled => lang.t("Hủy", "Cancelled"),
        EntryKind::Requeued => lang.t("Xếp lại hàng đợi", "Requeued"),
        EntryKind::Ignored => lang.t("Phản hồi muộn, không đổi gì", "A late report; nothing changed"),
    }
}
