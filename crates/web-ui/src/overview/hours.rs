//! Messages per hour of the last day, stacked by where they stand now.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use domain::message::{FailureKind, Status};
use domain::ports::SpanCount;

use crate::lang::Lang;
use crate::present::status::{Pill, standing};

/// How many hours are drawn.
pub(super) const HOURS: usize = 24;
/// The picture: each hour is so wide, its bar a part of it, and the whole so high.
const STEP: u64 = 100;
const BAR: u64 = 72;
const HEIGHT: u64 = 1_000;

/// Where a message may stand, from the bottom of a bar to its top.
const ORDER: [(Status, Option<FailureKind>); 9] = [
    (Status::Sent, None),
    (Status::Dispatched, None),
    (Status::Leased, None),
    (Status::Queued, None),
    (Status::Failed, Some(FailureKind::Retry)),
    (Status::Failed, Some(FailureKind::Held)),
    (Status::Failed, Some(FailureKind::Dead)),
    (Status::Skipped, None),
    (Status::Cancelled, None),
];

/// A part of a bar.
pub(super) struct Part {
    pub(super) tone: &'static str,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// One hour.
pub(super) struct Hour {
    /// `14:00`.
    pub(super) label: String,
    pub(super) x: u64,
    pub(super) bar_x: u64,
    /// The hour in words.
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
    /// A number for each line of the legend.
    pub(super) counts: Vec<String>,
    pub(super) total: String,
}

/// A line of the legend.
pub(super) struct Kind {
    pub(super) pill: Pill,
    pub(super) total: String,
}

/// The whole picture.
pub(super) struct Hours {
    pub(super) hours: Vec<Hour>,
    /// What occurs, in the order of the bars.
    pub(super) kinds: Vec<Kind>,
    /// What the height of the picture stands for, and half of it.
    pub(super) top: String,
    pub(super) middle: String,
    /// The hours that are named below it.
    pub(super) ticks: Vec<String>,
    /// The picture in a sentence.
    pub(super) title: String,
    pub(super) is_empty: bool,
}

/// The beginnings of the last 24 hours by the local clock, the present one last, and its end.
pub(super) fn bounds(now: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let local = now.with_timezone(&zone);
    let into = TimeDelta::seconds(i64::from(local.minute() * 60 + local.second()))
        + TimeDelta::nanoseconds(i64::from(local.nanosecond()));
    let ends = now - into + TimeDelta::hours(1);
    (0..=HOURS).rev().map(|ago| ends - TimeDelta::hours(i64::try_from(ago).unwrap_or_default())).collect()
}

impl Hours {
    pub(super) fn new(lang: Lang, bounds: &[DateTime<Utc>], zone: Tz, counts: &[SpanCount]) -> Self {
        let of = |span: usize, key: (Status, Option<FailureKind>)| -> u64 {
            let alike = |one: &&SpanCount| (one.span, one.status, one.failure_kind) == (span, key.0, key.1);
            counts.iter().filter(alike).map(|one| one.count).sum()
        };
        let total = |span: usize| ORDER.iter().map(|key| of(span, *key)).sum::<u64>();
        let occurs: Vec<_> =
            ORDER.into_iter().filter(|key| (0..HOURS).any(|span| of(span, *key) > 0)).collect();
        let top = round_up((0..HOURS).map(total).max().unwrap_or_default());
        let label = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%H:%M").to_string();
        let hours = bounds.iter().take(HOURS).enumerate().map(|(span, from)| {
            let mut below = 0;
            let mut parts = Vec::new();
            let mut said = Vec::new();
            for key in &occurs {
                let count = of(span, *key);
                let pill = standing(lang, key.0, key.1);
                if count > 0 {
                    // From where the part ends, so that no gap is left by rounding.
                    let (low, high) = (below * HEIGHT / top, (below + count) * HEIGHT / top);
                    parts.push(Part { tone: pill.tone, y: HEIGHT - high, height: (high - low).max(4) });
                    said.push(format!("{} {}", lang.number(count), pill.label));
                }
                below += count;
            }
            let x = STEP * span as u64;
            Hour {
                label: label(from),
                x,
                bar_x: x + (STEP - BAR) / 2,
                title: if said.is_empty() {
                    label(from)
                } else {
                    format!("{}: {}", label(from), said.join(", "))
                },
                parts,
                counts: occurs.iter().map(|key| lang.number(of(span, *key))).collect(),
                total: lang.number(total(span)),
            }
        });
        let hours: Vec<Hour> = hours.collect();
        let all: u64 = (0..HOURS).map(total).sum();
        let kinds = occurs.iter().map(|key| Kind {
            pill: standing(lang, key.0, key.1),
            total: lang.number((0..HOURS).map(|span| of(span, *key)).sum::<u64>()),
        });
        let kinds: Vec<Kind> = kinds.collect();
        let said: Vec<String> =
            kinds.iter().map(|kind| format!("{} {}", kind.total, kind.pill.label)).collect();
        Self {
            top: lang.number(top),
            middle: if top.is_multiple_of(2) { lang.number(top / 2) } else { String::new() },
            ticks: bounds.iter().step_by(HOURS / 4).map(label).collect(),
            title: lang
                .t("{n} tin tạo trong 24 giờ qua", "{n} messages created in the last 24 hours")
                .replace("{n}", &lang.number(all))
                + if said.is_empty() { "" } else { ": " }
                + &said.join(", "),
            hours,
            kinds,
            is_empty: all == 0,
        }
    }

    /// How wide the picture is.
    pub(super) const fn width(&self) -> u64 {
        STEP * HOURS as u64
    }
}

/// The next of 4, 6, 10, 15, 20, 40, 60, ..
fn round_up(most: u64) -> u64 {
    let mut size = 1;
    loop {
        for top in [size * 4, size * 6, size * 10, size * 15, size * 20] {
            if top >= most {
                return top;
            }
        }
        size *= 10;
    }
}

#[cfg(test)]
mod tests {
    use domain::explain::Language;

    use super::*;

    #[test]
    fn hours_are_those_of_the_local_clock_and_the_present_one_is_the_last() {
        let now = "2026-03-02T10:20:30.5Z".parse().unwrap();
        let bounds = bounds(now, chrono_tz::Asia::Kathmandu);
        assert_eq!(bounds.len(), HOURS + 1);
        // 16:05:30 in Kathmandu, which is 5:45 ahead.
        assert_eq!(bounds[HOURS - 1].to_rfc3339(), "2026-03-02T10:15:00+00:00");
        assert_eq!(bounds[HOURS] - bounds[0], TimeDelta::hours(24));
    }

    #[test]
    fn parts_stand_on_each_other_and_the_legend_names_what_occurs() {
        let now = "2026-03-02T10:20:00Z".parse().unwrap();
        let bounds = bounds(now, chrono_tz::UTC);
        let count = |span, status, count| SpanCount { span, status, failure_kind: None, count };
        let counts = [count(3, Status::Sent, 30), count(3, Status::Queued, 10), count(23, Status::Queued, 1)];
        let hours = Hours::new(Lang(Language::English), &bounds, chrono_tz::UTC, &counts);
        let parts: Vec<_> =
            hours.hours[3].parts.iter().map(|part| (part.tone, part.y, part.height)).collect();
        assert_eq!(parts, [("sent", 250, 750), ("queued", 0, 250)]);
        assert_eq!(hours.hours[3].title, "14:00: 30 Sent, 10 Queued");
        let kinds: Vec<_> = hours.kinds.iter().map(|kind| (kind.pill.label, kind.total.as_str())).collect();
        assert_eq!(kinds, [("Sent", "30"), ("Queued", "11")]);
        assert_eq!((hours.top.as_str(), hours.ticks.len(), hours.is_empty), ("40", 5, false));
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!([0, 4, 5, 11, 37, 41, 5_000].map(round_up), [4, 4, 6, 15, 40, 60, 6_000]);
    }
}
