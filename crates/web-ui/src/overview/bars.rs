//! Lines with a bar: what waits by priority, success by channel, limits in use.

use chrono::{DateTime, Utc};
use domain::channel::Channel;
use domain::message::{FailureKind, Status};
use domain::policy::rate_limit::RateLimit;
use domain::ports::{ChannelCount, Depth};

use crate::lang::Lang;
use crate::present::people;
use crate::present::time::duration;

/// How wide a whole bar is.
const WIDTH: u64 = 1_000;

/// A part of a bar.
pub(super) struct Part {
    pub(super) tone: &'static str,
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) title: String,
}

/// A line.
pub(super) struct Line {
    pub(super) icon: &'static str,
    pub(super) label: String,
    /// The number that it is about.
    pub(super) figure: String,
    /// What else is to be said.
    pub(super) note: String,
    pub(super) is_bad: bool,
    pub(super) parts: Vec<Part>,
}

impl Line {
    /// The bar in words.
    pub(super) fn title(&self) -> String {
        let said: Vec<&str> = self.parts.iter().map(|part| part.title.as_str()).collect();
        if said.is_empty() { self.figure.clone() } else { said.join(", ") }
    }
}

/// Parts side by side, `whole` being the full width.
fn side_by_side(whole: u64, counts: impl IntoIterator<Item = (&'static str, u64, String)>) -> Vec<Part> {
    let whole = whole.max(1);
    let (mut parts, mut done) = (Vec::new(), 0);
    for (tone, count, title) in counts.into_iter().filter(|(_, count, _)| *count > 0) {
        let x = done * WIDTH / whole;
        done += count;
        parts.push(Part { tone, x, width: (done * WIDTH / whole).saturating_sub(x).max(3), title });
    }
    parts
}

/// What waits, by priority.
pub(super) fn depth(lang: Lang, depths: &[Depth], now: DateTime<Utc>) -> Vec<Line> {
    let most = depths.iter().map(|depth| depth.due + depth.later).max().unwrap_or_default();
    let line = |depth: &Depth| {
        let (due, later) = (lang.number(depth.due), lang.number(depth.later));
        let counts = [
            ("dispatched", depth.due, format!("{due} {}", lang.t("đến hạn", "due"))),
            ("later", depth.later, format!("{later} {}", lang.t("hẹn sau", "for later"))),
        ];
        Line {
            icon: people::priority_shape(depth.priority),
            label: people::priority(lang, depth.priority).to_owned(),
            figure: due.clone() + " " + lang.t("đến hạn", "due"),
            note: match depth.oldest_due_at {
                Some(at) => {
                    format!("{} {}", lang.t("chờ lâu nhất", "longest wait"), duration(lang, now - at))
                }
                None if depth.later > 0 => format!("{later} {}", lang.t("hẹn sau", "for later")),
                None => lang.t("không có tin chờ", "nothing waits").to_owned(),
            },
            is_bad: false,
            parts: side_by_side(most, counts),
        }
    };
    depths.iter().map(line).collect()
}

/// How messages of each channel ended, of those that have ended.
pub(super) fn success(lang: Lang, counts: &[ChannelCount]) -> Vec<Line> {
    let line = |channel: &Channel| {
        let of = |wanted: &dyn Fn(&ChannelCount) -> bool| -> u64 {
            let mine = counts.iter().filter(|one| one.channel == *channel && wanted(one));
            mine.map(|one| one.count).sum()
        };
        let sent = of(&|one| one.status == Status::Sent);
        let held = of(&|one| one.failure_kind == Some(FailureKind::Held));
        let dead = of(&|one| one.failure_kind == Some(FailureKind::Dead));
        let ended = sent + held + dead;
        let label = |count: u64, word: &str| format!("{} {word}", lang.number(count));
        let parts = [
            ("sent", sent, label(sent, lang.t("đã gửi", "sent"))),
            ("held", held, label(held, lang.t("tạm giữ", "on hold"))),
            ("dead", dead, label(dead, lang.t("dừng hẳn", "given up"))),
        ];
        // Rounded down: only all is 100%.
        let percent = (sent * 100).checked_div(ended);
        Line {
            icon: people::channel_icon(*channel),
            label: people::channel(lang, *channel).to_owned(),
            figure: percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%")),
            note: match ended {
                0 => lang.t("chưa có kết quả", "no outcome yet").to_owned(),
                _ => format!("{}/{}", lang.number(sent), lang.number(ended)),
            },
            is_bad: percent.is_some_and(|percent| percent < 80),
            parts: side_by_side(ended, parts),
        }
    };
    Channel::ALL.iter().map(line).collect()
}

/// How much of a limit is in use.
pub(super) fn limit(lang: Lang, icon: &'static str, label: String, used: u32, limit: RateLimit) -> Line {
    let said = lang.number(used);
    let Some(most) = limit.get() else {
        let note = lang.t("không giới hạn", "no limit").to_owned();
        return Line { icon, label, figure: said, note, is_bad: false, parts: Vec::new() };
    };
    let is_full = used >= most;
    let tone = if is_full { "retry" } else { "dispatched" };
    Line {
        icon,
        label,
        figure: format!("{said}/{}", lang.number(most)),
        note: match is_full {
            true => lang.t("đã hết, chờ sang phút sau", "used up: waits for the next minute").to_owned(),
            false => format!("{} {}", lang.t("còn", "left:"), lang.number(most - used)),
        },
        is_bad: is_full,
        parts: side_by_side(u64::from(most.max(used)), [(tone, u64::from(used), said.clone())]),
    }
}

#[cfg(test)]
mod tests {
    use domain::explain::Language;

    use super::*;

    #[test]
    fn success_is_of_what_has_ended_and_is_not_rounded_up() {
        let count =
            |status, failure_kind, count| ChannelCount { channel: Channel::Sms, status, failure_kind, count };
        let counts = [
            count(Status::Sent, None, 999),
            count(Status::Failed, Some(FailureKind::Dead), 1),
            count(Status::Queued, None, 500),
        ];
        let lines = success(Lang(Language::English), &counts);
        let sms = lines.iter().find(|line| line.label == "SMS").unwrap();
        assert_eq!((sms.figure.as_str(), sms.note.as_str()), ("99%", "999/1,000"));
        assert_eq!(sms.title(), "999 sent, 1 given up");
        assert!(lines.iter().any(|line| line.figure == "–"));
    }

    #[test]
    fn a_limit_that_is_used_up_says_so() {
        let lang = Lang(Language::English);
        let line = limit(lang, "x", "All".to_owned(), 30, RateLimit::per_minute(30));
        assert_eq!((line.figure.as_str(), line.is_bad, line.parts[0].width), ("30/30", true, 1_000));
        let line = limit(lang, "x", "All".to_owned(), 3, RateLimit::UNLIMITED);
        assert!(line.parts.is_empty() && line.note == "no limit");
    }
}
