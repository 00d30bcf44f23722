//! The circuit in words.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::policy::circuit::{Circuit, CircuitLabel, Permit};

use super::status::Pill;
use super::time::moment;
use crate::lang::Lang;

/// The circuit as a page shows it.
pub(crate) struct CircuitState {
    /// The state.
    pub(crate) pill: Pill,
    /// What it means.
    pub(crate) said: String,
}

/// Says the circuit.
pub(crate) fn state(lang: Lang, circuit: Circuit, now: DateTime<Utc>, zone: Tz) -> CircuitState {
    let failures = lang.number(circuit.failures());
    let pill = |tone, icon, label| Pill { tone, icon, label };
    match circuit.label(now) {
        CircuitLabel::Closed => CircuitState {
            pill: pill("sent", "check", lang.t("Bình thường", "Closed")),
            said: match circuit.failures() {
                0 => lang.t("N8N nhận tin bình thường.", "N8N takes messages as it should.").to_owned(),
                _ => lang
                    .t(
                        "N8N vẫn nhận tin; {n} lần lỗi liên tiếp gần đây.",
                        "N8N takes messages; {n} failures in a row.",
                    )
                    .replace("{n}", &failures),
            },
        },
        CircuitLabel::Open => CircuitState {
            pill: pill("dead", "stop", lang.t("Tạm ngắt", "Open")),
            said: match circuit.permit(now) {
                Permit::Refused { until } => lang
                    .t(
                        "N8N lỗi {n} lần liên tiếp. Tạm ngừng gửi đến {t}, rồi thử bằng một tin.",
                        "N8N failed {n} times in a row. Nothing goes until {t}, then one message tries.",
                    )
                    .replace("{n}", &failures)
                    .replace("{t}", &moment(until, now, zone).short),
                Permit::Full | Permit::Probe => String::new(),
            },
        },
        CircuitLabel::HalfOpen => CircuitState {
            pill: pill("retry", "loop", lang.t("Đang thử lại", "Half open")),
            said: lang
                .t(
                    "Một tin được gửi thử; nếu N8N nhận, việc gửi tiếp tục.",
                    "One message tries whether N8N is back.",
                )
                .to_owned(),
        },
    }
}
