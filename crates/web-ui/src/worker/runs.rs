//! The runs of the worker, as lines.

use chrono::{DateTime, Utc};
use domain::policy::quiet_hours::QuietHours;
use domain::ports::RunRecord;

use crate::lang::Lang;
use crate::present::names::Names;
use crate::present::people;
use crate::present::status::Pill;
use crate::present::time::{Moment, duration, moment};

/// A run.
pub(super) struct Line {
    pub(super) at: Moment,
    pub(super) by: String,
    pub(super) took: String,
    /// What became of its messages, in the order of [`counted`].
    pub(super) counts: [Count; 5],
    /// What is worth a word: still running, lost, pulled, quiet hours.
    pub(super) marks: Vec<Pill>,
}

/// How many messages of a run came to the same.
pub(super) struct Count {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) is_none: bool,
    pub(super) is_bad: bool,
}

/// What is counted of each run.
pub(super) const fn counted(lang: Lang) -> [&'static str; 5] {
    [
        lang.t("Lấy", "Taken"),
        lang.t("Đã giao", "Handed off"),
        lang.t("Lỗi", "Failed"),
        lang.t("Trả lại", "Given back"),
        lang.t("Giới hạn giữ lại", "Held by limits"),
    ]
}

impl Line {
    pub(super) fn new(
        lang: Lang,
        run: &RunRecord,
        names: &Names,
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
        let [of_leased, of_handed_off, of_failed, of_released, of_limited] = counted(lang);
        let count = |label, count: u32, is_bad: bool| Count {
            label,
            text: lang.number(count),
            is_none: count == 0,
            is_bad: is_bad && count > 0,
        };
        Self {
            at: moment(*started_at, now, calendar.zone()),
            by: people::whoever(lang, by, |id| names.name(id)),
            took: ended_at.map(|ended| duration(lang, ended - *started_at)).unwrap_or_default(),
            counts: [
                count(of_leased, *leased, false),
                // Pulled messages are handed off by being pulled.
                count(of_handed_off, if *pulled { *leased } else { *handed_off }, false),
                count(of_failed, *failed, true),
                count(of_released, *released, false),
                count(of_limited, *rate_limited, false),
            ],
            marks,
        }
    }
}
