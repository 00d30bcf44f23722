//! Dead and held messages by cause.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::channel::Channel;
use domain::message::{FailureKind, Status};
use domain::ports::StuckGroup;

use crate::lang::Lang;
use crate::present::people;
use crate::present::status::{Pill, failed};
use crate::present::time::{Moment, moment};
use crate::present::told::told;
use crate::queue::query::Query;

/// A group.
pub(super) struct Line {
    pub(super) pill: Pill,
    pub(super) cause: String,
    pub(super) count: String,
    pub(super) channels: Vec<(&'static str, &'static str)>,
    pub(super) latest: Moment,
    /// Its messages in the queue.
    pub(super) look: String,
    /// Where it is confirmed that they are queued anew.
    pub(super) requeue: String,
}

impl Line {
    pub(super) fn new(lang: Lang, group: &StuckGroup, now: DateTime<Utc>, zone: Tz) -> Self {
        let query = Query {
            status: Some(Status::Failed),
            kind: Some(group.kind),
            cause: group.cause.clone(),
            ..Query::default()
        };
        let channel = |channel: &Channel| (people::channel_icon(*channel), people::channel(lang, *channel));
        Self {
            pill: failed(lang, group.kind),
            cause: told(lang, &group.cause),
            count: lang.number(group.count),
            channels: group.channels.iter().map(channel).collect(),
            latest: moment(group.latest_at, now, zone),
            look: query.link(&[]),
            requeue: query.all_that_match("requeue"),
        }
    }
}

/// Groups of one kind, with what is to be known about them.
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) advice: &'static str,
    pub(super) is_held: bool,
    pub(super) lines: Vec<Line>,
}

pub(super) fn kinds(lang: Lang, groups: &[StuckGroup], now: DateTime<Utc>, zone: Tz) -> Vec<Kind> {
    let of = |wanted: FailureKind| {
        let mine = groups.iter().filter(|group| group.kind == wanted);
        mine.map(|group| Line::new(lang, group, now, zone)).collect::<Vec<_>>()
    };
    let dead = Kind {
        id: "dead",
        title: lang.t("Dừng hẳn", "Given up"),
        advice: lang.t(
            "Đã thử hết số lần, hoặc lỗi không thể thử lại. Hãy xử lý nguyên nhân rồi xếp lại cả nhóm.",
            "All attempts are used up, or the error is for good. Mend the cause, then requeue the group.",
        ),
        is_held: false,
        lines: of(FailureKind::Dead),
    };
    let held = Kind {
        id: "held",
        title: lang.t("Tạm giữ: có thể đã gửi", "On hold: may have been sent"),
        advice: lang.t(
            "Không rõ kết quả nên hệ thống không tự gửi lại. Hãy kiểm tra với nhà cung cấp trước: xếp lại có thể làm khách nhận hai lần.",
            "The outcome is unknown, so nothing is sent again by itself. Ask the provider first: a requeue may reach the customer twice.",
        ),
        is_held: true,
        lines: of(FailureKind::Held),
    };
    [dead, held].into_iter().filter(|kind| !kind.lines.is_empty()).collect()
}
