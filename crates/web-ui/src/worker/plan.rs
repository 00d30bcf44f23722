//! What a run would do now: a dry run, by priority and by owner.

use domain::message::Priority;
use domain::usecase::run_worker::{OwnerCount, RunReport};

use crate::flash::Flash;
use crate::form::Form;
use crate::lang::Lang;
use crate::present::people;
use crate::run::{LIMIT, MAX_LIMIT, warned};

/// The fields of the form, as they were sent.
pub(super) struct Wanted {
    pub(super) limit: u32,
    pub(super) retry_failed_only: bool,
    pub(super) ignore_quiet_hours: bool,
    /// Whether a look ahead was asked for.
    pub(super) is_asked: bool,
}

impl Wanted {
    pub(super) fn of(form: &Form, is_admin: bool) -> Self {
        Self {
            limit: form.read("limit").unwrap_or(LIMIT).clamp(1, MAX_LIMIT),
            retry_failed_only: form.is_on("retryFailedOnly"),
            ignore_quiet_hours: is_admin && form.is_on("ignoreQuietHours"),
            is_asked: form.is_on("plan"),
        }
    }
}

/// A number beside a name.
pub(super) struct Line {
    pub(super) icon: &'static str,
    pub(super) label: String,
    pub(super) count: String,
    /// Its share of the bar, of 1,000.
    pub(super) width: u64,
}

/// What would go.
pub(super) struct Plan {
    pub(super) count: u32,
    /// The same, as people read it.
    pub(super) number: String,
    pub(super) said: String,
    pub(super) is_good: bool,
    pub(super) by_priority: Vec<Line>,
    pub(super) by_owner: Vec<Line>,
    /// What holds other messages back, in words.
    pub(super) notes: Vec<String>,
}

impl Plan {
    pub(super) fn new(lang: Lang, report: &RunReport, quiet_until: Option<String>) -> Self {
        let n = lang.number(report.processed);
        let said = match (warned(report), report.processed) {
            (Some(said), _) => Flash::said(said).text(lang),
            (None, 0) if report.quiet.active => {
                let until = quiet_until.unwrap_or_default();
                lang.t(
                    "Đang trong giờ yên lặng: không tin nào được gửi trước {t}.",
                    "Quiet hours: nothing goes before {t}.",
                )
                .replace("{t}", &until)
            }
            (None, 0) => lang
                .t("Không có tin nào đến hạn trong phạm vi này.", "Nothing is due within this scope.")
                .to_owned(),
            (None, _) => lang
                .t("Sẽ gửi {n} tin. Chưa có gì được gửi.", "{n} message(s) would go. Nothing was sent.")
                .replace("{n}", &n),
        };
        let rest = u64::from(report.remaining).saturating_sub(u64::from(report.processed));
        let note = |count: u64, text: &str| (count > 0).then(|| text.replace("{n}", &lang.number(count)));
        let notes = [
            note(
                report.rate_limited.into(),
                lang.t(
                    "{n} tin đến hạn bị giới hạn mỗi phút giữ lại.",
                    "The limits would hold back {n} due message(s).",
                ),
            ),
            note(
                rest,
                lang.t(
                    "{n} tin đến hạn khác còn lại sau lượt này.",
                    "{n} other due message(s) would remain.",
                ),
            ),
            note(
                report.dropped.into(),
                lang.t(
                    "{n} tin sẽ bị bỏ qua vì khách đã từ chối nhận.",
                    "{n} would be skipped: their recipients have opted out.",
                ),
            ),
        ];
        Self {
            count: report.processed,
            number: n,
            is_good: report.processed > 0,
            said,
            by_priority: Priority::ALL
                .iter()
                .map(|priority| {
                    let count = report.by_priority.get(priority).copied().unwrap_or_default();
                    let label = people::priority(lang, *priority).to_owned();
                    line(lang, people::priority_shape(*priority), label, count, report.processed)
                })
                .collect(),
            by_owner: report
                .by_owner
                .iter()
                .map(|one| line(lang, "person", owner(lang, one), one.count, report.processed))
                .collect(),
            notes: notes.into_iter().flatten().collect(),
        }
    }
}

fn line(lang: Lang, icon: &'static str, label: String, count: u32, whole: u32) -> Line {
    let width = u64::from(count) * 1_000 / u64::from(whole.max(1));
    Line { icon, label, count: lang.number(count), width }
}

fn owner(lang: Lang, one: &OwnerCount) -> String {
    match (&one.owner_name, &one.owner_id) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => id.to_string(),
        (None, None) => lang.t("Không có người phụ trách", "Without an owner").to_owned(),
    }
}
