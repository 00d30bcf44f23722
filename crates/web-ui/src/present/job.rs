//! Where a job stands, and how far its messages are.

use std::collections::BTreeMap;

use domain::job::JobStatus;
use domain::message::Status;

use super::status::{self, Pill};
use crate::lang::Lang;

/// The width of a bar in its own units.
const WIDTH: u64 = 1_000;
/// What is done comes first, then what is under way, then what will not go.
const ORDER: [Status; 7] = [
    Status::Sent,
    Status::Dispatched,
    Status::Leased,
    Status::Queued,
    Status::Failed,
    Status::Skipped,
    Status::Cancelled,
];

/// A job's status as a page shows it.
pub(crate) const fn pill(lang: Lang, status: JobStatus) -> Pill {
    let (tone, icon, label) = match status {
        JobStatus::New => ("queued", "clock", lang.t("Mới", "New")),
        JobStatus::Dispatched => ("dispatched", "arrow", lang.t("Đang chạy", "Running")),
        JobStatus::Done => ("sent", "check", lang.t("Hoàn tất", "Done")),
        JobStatus::Failed => ("dead", "cross", lang.t("Lỗi", "Failed")),
    };
    Pill { tone, icon, label }
}

/// One status of a job's messages.
pub(crate) struct Part {
    /// The status as the queue's filter writes it.
    pub(crate) status: &'static str,
    /// How it looks.
    pub(crate) pill: Pill,
    /// How many.
    pub(crate) count: String,
    /// Where it begins in the bar.
    pub(crate) x: u64,
    /// How wide it is.
    pub(crate) width: u64,
}

/// A job's messages as a bar.
pub(crate) struct Bar {
    /// What is in it, from the left.
    pub(crate) parts: Vec<Part>,
    /// How many messages there are.
    pub(crate) total: String,
    /// How many of them are sent.
    pub(crate) sent: String,
    /// The whole of it in words.
    pub(crate) title: String,
    /// Whether messages may still go by themselves.
    pub(crate) is_going: bool,
}

impl Bar {
    /// The bar of these counts.
    pub(crate) fn new(lang: Lang, counts: &BTreeMap<Status, u64>) -> Self {
        let of = |status: Status| counts.get(&status).copied().unwrap_or(0);
        let total: u64 = counts.values().sum();
        let (mut parts, mut done) = (Vec::new(), 0);
        for status in ORDER.into_iter().filter(|status| of(*status) > 0) {
            let x = done * WIDTH / total;
            done += of(status);
            parts.push(Part {
                status: status.as_str(),
                pill: status::plain(lang, status),
                count: lang.number(of(status)),
                x,
                width: done * WIDTH / total - x,
            });
        }
        let said: Vec<String> =
            parts.iter().map(|part| format!("{} {}", part.count, part.pill.label)).collect();
        Self {
            parts,
            total: lang.number(total),
            sent: lang.number(of(Status::Sent)),
            title: said.join(", "),
            is_going: [Status::Queued, Status::Leased, Status::Dispatched].into_iter().any(|one| of(one) > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::explain::Language;

    use super::*;

    #[test]
    fn a_bar_is_filled_from_end_to_end_whatever_the_counts() {
        let counts = BTreeMap::from([(Status::Queued, 1), (Status::Sent, 3), (Status::Failed, 3)]);
        let bar = Bar::new(Lang(Language::English), &counts);
        let ends: Vec<_> = bar.parts.iter().map(|part| (part.status, part.x, part.x + part.width)).collect();
        assert_eq!(ends, [("SENT", 0, 428), ("QUEUED", 428, 571), ("FAILED", 571, 1_000)]);
        assert_eq!((bar.title.as_str(), bar.is_going), ("3 Sent, 1 Queued, 3 Failed", true));
    }

    #[test]
    fn a_job_without_messages_has_an_empty_bar() {
        let bar = Bar::new(Lang(Language::English), &BTreeMap::new());
        assert!(bar.parts.is_empty() && !bar.is_going && bar.total == "0");
    }
}
