//! The runs of the worker, as lines.

use chrono::{DateTime, Utc};
use domain::policy::quiet_hours::QuietHours;
use domain::ports::RunRecord;

use crate::lang::Lang;
use crate::present::people;
use crate::present::status::Pill;
use crate::present::time::{Moment, duration, moment};

/// A run.
pub(super) struct Line {
    pub(super) at: Moment,
    pub(super) by: String,
    pub(super) took: String,
    pub(super) leased: String,
    pub(super) handed_off: String,
    pub(super) failed: String,
    pub(super) has_failed: bool,
    pub(super) released: String,
    pub(super) rate_limited: String,
    /// What is worth a word: still running, lost, pulled, quiet hours.
    pub(super) marks: Vec<Pill>,
}

impl Line {
    pub(super) fn new(
        lang: Lang,
        run: &RunRecord,
        calendar: &QuietHours,
        lost_before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let RunRecord {
            lease: _,
            started_at,
            by,
            pulled,
            ignored_quiet_hours,
            leased,
            ended_at,
            handed_off,
            failed,
            released,
            rate_limited,
        } = run;
        let mark = |tone, icon, label| Pill { tone, icon, label };
        let mut marks = Vec::new();
        if *pulled {
            marks.push(mark("queued", "down", lang.t("N8N tự lấy", "Pulled by N8N")));
        } else if ended_at.is_none() && *started_at < lost_before {
            marks.push(mark("dead", "alert", lang.t("Bị ngắt giữa chừng", "Lost on its way")));
        } else if ended_at.is_none() {
            marks.push(mark("leased", "half", lang.t("Đang chạy", "Running")));
        }
        if *ignored_quiet_hours {
            marks.push(mark("held", "moon", lang.t("Bỏ qua giờ yên lặng", "Ignored quiet hours")));
        } else if !calendar.status(*started_at).closed.is_empty() {
            marks.push(mark("queued", "moon", lang.t("Có kênh đang yên lặng", "Some channels quiet")));
        }
        Self {
            at: moment(*started_at, now, calendar.zone()),
            by: people::whoever(lang, by, ToString::to_string),
            took: ended_at.map(|ended| duration(lang, ended - *started_at)).unwrap_or_default(),
            leased: lang.number(*leased),
            // Pulled messages are handed off by being pulled.
            handed_off: lang.number(if *pulled { *leased } else { *handed_off }),
            failed: lang.number(*failed),
            has_failed: *failed > 0,
            released: lang.number(*released),
            rate_limited: lang.number(*rate_limited),
            marks,
        }
    }
}
