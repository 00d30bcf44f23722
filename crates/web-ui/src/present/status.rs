//! Where a message stands: a word, a shape and a colour.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::message::timeline::EntryKind;
use domain::message::{Failure, FailureKind, Message, SkipReason, State, Status};

use super::time::moment;
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
pub(crate) fn note(lang: Lang, message: &Message, now: DateTime<Utc>, zone: Tz) -> String {
    let at = |at: DateTime<Utc>| moment(at, now, zone).short;
    match &message.state {
        State::Queued(waiting) if waiting.due_at > now => {
            format!("{} {}", lang.t("gửi lúc", "goes at"), at(waiting.due_at))
        }
        State::Queued(waiting) => {
            waiting.error.clone().unwrap_or_else(|| lang.t("đến lượt", "next in line").to_owned())
        }
        State::Leased(_) => lang.t("đang giao cho N8N", "on its way to N8N").to_owned(),
        State::Dispatched(flight) => format!("{} {}", lang.t("chờ đến", "until"), at(flight.deadline)),
        State::Sent(sent) => at(sent.sent_at),
        State::Failed(Failure::Retry(retry)) if retry.due_at > now => {
            format!("{} {}", lang.t("thử lại lúc", "again at"), at(retry.due_at))
        }
        State::Failed(Failure::Retry(retry)) => retry.error.clone(),
        State::Failed(Failure::Dead { error } | Failure::Held { error, .. }) => error_text(lang, error),
        State::Skipped { reason } => skip_reason(lang, reason),
        State::Cancelled => String::new(),
    }
}

/// An error that this system wrote, in the page's language; others as they came.
pub(crate) fn error_text(lang: Lang, error: &str) -> String {
    use domain::message::transition::{LEASE_LOST, NO_CALLBACK};
    match error {
        NO_CALLBACK => lang.t("không có phản hồi", "no callback came").to_owned(),
        LEASE_LOST => lang.t("lượt gửi bị ngắt ba lần", "its run was lost three times").to_owned(),
        other => other.to_owned(),
    }
}

/// Why a message was stored without being sent.
pub(crate) fn skip_reason(lang: Lang, reason: &str) -> String {
    match reason.parse() {
        Ok(SkipReason::DuplicateToday) => lang.t("trùng trong ngày", "duplicate today").to_owned(),
        Ok(SkipReason::OptedOut) => lang.t("đã từ chối nhận tin", "opted out").to_owned(),
        Err(_) => reason.to_owned(),
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
