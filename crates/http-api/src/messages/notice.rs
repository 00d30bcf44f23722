//! Reasons and notices, in the reader's language.

use domain::explain::{Explanation, Language, Reason};
use domain::message::Message;
use domain::policy::quiet_hours::QuietHours;
use domain::usecase::create::notice::Notice;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{StatusWord, Time};

/// Something worth knowing about a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeView {
    /// A fixed word for programs.
    #[schema(example = "QUIET_HOURS")]
    code: &'static str,
    /// A sentence for people, in Vietnamese or English by `Accept-Language`.
    message: String,
    /// Until when it holds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

impl NoticeView {
    /// A notice in words.
    pub(super) fn new(notice: &Notice, language: Language, calendar: &QuietHours) -> Self {
        Self {
            code: notice.code(),
            message: notice.sentence(language, calendar.zone()),
            until: notice.until().map(Time),
        }
    }

    fn of_reason(reason: &Reason, language: Language, calendar: &QuietHours) -> Self {
        Self {
            code: reason.code(),
            message: reason.sentence(language, calendar.zone()),
            until: reason.until().map(Time),
        }
    }
}

/// Why a message has not gone yet or what became of it, and when it is expected to go.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplanationView {
    #[schema(value_type = StatusWord)]
    state: &'static str,
    /// At least one; all that hold it back.
    reasons: Vec<NoticeView>,
    /// When it is expected to go; missing for what has gone, will not go, or depends on people.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_at: Option<Time>,
}

impl ExplanationView {
    pub(super) fn new(
        message: &Message,
        explanation: &Explanation,
        language: Language,
        calendar: &QuietHours,
    ) -> Self {
        let Explanation { reasons, expected_at } = explanation;
        Self {
            state: message.status().as_str(),
            reasons: reasons.iter().map(|reason| NoticeView::of_reason(reason, language, calendar)).collect(),
            expected_at: expected_at.map(Time),
        }
    }
}
