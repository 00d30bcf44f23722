//! What two endpoints answer, as values: the command line says the same as the API.

use domain::explain::{Explanation, Language};
use domain::policy::quiet_hours::QuietHours;
use domain::ports::Detail;
use serde_json::Value;

use crate::api::simulated;
use crate::messages::get::MessageDetail;
use crate::stats::view::StatsView;

pub use crate::stats::view::StatsFacts;

/// The answer of `GET /api/outbound/messages/{id}`.
///
/// # Errors
/// Never, as far as is known: every value has a JSON form.
pub fn message(
    detail: &Detail,
    explanation: &Explanation,
    language: Language,
    calendar: &QuietHours,
    simulator: bool,
) -> serde_json::Result<Value> {
    serde_json::to_value(MessageDetail::new(detail, explanation, language, calendar, simulated(simulator)))
}

/// The answer of `GET /api/outbound/stats`.
///
/// # Errors
/// Never, as far as is known: every value has a JSON form.
pub fn stats(facts: &StatsFacts<'_>) -> serde_json::Result<Value> {
    serde_json::to_value(StatsView::new(facts))
}
