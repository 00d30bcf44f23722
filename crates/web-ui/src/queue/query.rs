//! The filters of the queue, as they stand in the URL: whoever is sent the link sees the same, within their scope.

use chrono::NaiveDate;
use domain::channel::Channel;
use domain::ids::{BranchId, JobId, LeadId, MessageId, OwnerId, StudentId};
use domain::message::{FailureKind, Priority, Status};
use domain::policy::quiet_hours::QuietHours;
use domain::ports::Filter;

use crate::form::{self, Form};

/// The longest text that is searched for, in characters.
const MAX_SEARCH: usize = 100;

/// What the queue is narrowed to. A value that can't be read is no filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) status: Option<Status>,
    pub(crate) kind: Option<FailureKind>,
    pub(crate) cause: String,
    pub(crate) channel: Option<Channel>,
    pub(crate) priority: Option<Priority>,
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) search: String,
    pub(crate) owner: Option<OwnerId>,
    pub(crate) branch: Option<BranchId>,
    pub(crate) lead: Option<LeadId>,
    pub(crate) student: Option<StudentId>,
    pub(crate) job: Option<JobId>,
    pub(crate) cursor: Option<MessageId>,
}

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(query: &str) -> Self {
        Self::of(&Form::parse(query.as_bytes()))
    }

    /// Reads the same fields of a form.
    pub(crate) fn of(form: &Form) -> Self {
        let status: Option<Status> = form.read("status");
        let search = form.get("q").unwrap_or_default();
        Self {
            status,
            kind: form.read("kind").filter(|_| status == Some(Status::Failed)),
            cause: if status == Some(Status::Failed) { form.raw("cause") } else { String::new() },
            channel: form.read("channel"),
            priority: form.read("priority"),
            from: form.read("from"),
            to: form.read("to"),
            search: search.chars().filter(|c| !c.is_control()).take(MAX_SEARCH).collect(),
            owner: form.read("owner"),
            branch: form.read("branch"),
            lead: form.read("lead"),
            student: form.read("student"),
            job: form.read("job"),
            cursor: form.read("cursor"),
        }
    }

    /// The filter; its days are those of `OPS_TZ`.
    pub(crate) fn filter(&self, calendar: &QuietHours) -> Filter {
        Filter {
            status: self.status,
            failure_kind: self.kind,
            cause: (!self.cause.is_empty()).then(|| self.cause.clone()),
            channel: self.channel,
            priority: self.priority,
            created_from: self.from.map(|day| calendar.day_bounds(day).0),
            created_before: self.to.map(|day| calendar.day_bounds(day).1),
            text: (!self.search.is_empty()).then(|| self.wanted()),
            lead_id: self.lead.clone(),
            student_id: self.student.clone(),
            owner_id: self.owner.clone(),
            branch_id: self.branch.clone(),
            job_id: self.job,
        }
    }

    /// What is searched for: a phone number as people write it is looked for as it is stored.
    fn wanted(&self) -> String {
        let compact: String = self.search.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
        let is_number = compact.len() >= 4 && compact.bytes().all(|byte| byte.is_ascii_digit());
        match compact.strip_prefix('0') {
            Some(rest) if is_number => rest.to_owned(),
            _ if is_number => compact,
            _ => self.search.clone(),
        }
    }

    /// Every field that is set, as it stands in the URL.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let word = |value: Option<&dyn ToString>| value.map(ToString::to_string).unwrap_or_default();
        vec![
            ("status", word(self.status.as_ref().map(|v| v as _))),
            ("kind", word(self.kind.as_ref().map(|v| v as _))),
            ("cause", self.cause.clone()),
            ("channel", word(self.channel.as_ref().map(|v| v as _))),
            ("priority", word(self.priority.as_ref().map(|v| v as _))),
            ("from", word(self.from.as_ref().map(|v| v as _))),
            ("to", word(self.to.as_ref().map(|v| v as _))),
            ("q", self.search.clone()),
            ("owner", word(self.owner.as_ref().map(|v| v as _))),
            ("branch", word(self.branch.as_ref().map(|v| v as _))),
            ("lead", word(self.lead.as_ref().map(|v| v as _))),
            ("student", word(self.student.as_ref().map(|v| v as _))),
            ("job", word(self.job.as_ref().map(|v| v as _))),
            ("cursor", word(self.cursor.as_ref().map(|v| v as _))),
        ]
    }

    /// The address of the same list with these fields instead; an empty value takes a filter away.
    pub(crate) fn link(&self, instead: &[(&str, &str)]) -> String {
        let fields = self.fields();
        let text = form::query(fields.iter().map(|(name, value)| {
            let other = instead.iter().find(|(one, _)| one == name).map(|(_, value)| *value);
            (*name, other.unwrap_or(value))
        }));
        if text.is_empty() { "/outbound".to_owned() } else { format!("/outbound?{text}") }
    }

    /// Where work on all that match is confirmed; without an `act` it is chosen there.
    pub(crate) fn all_that_match(&self, act: &str) -> String {
        let fields = self.fields();
        let kept = fields.iter().filter(|(name, _)| *name != "cursor");
        let kept = kept.map(|(name, value)| (*name, value.as_str()));
        format!("/outbound/matching?{}", form::query(kept.chain([("act", act)])))
    }

    /// The address of what changes in this list; the script adds what it shows.
    pub(crate) fn live(&self, newest: Option<MessageId>) -> String {
        let newest = newest.filter(|_| self.cursor.is_none()).map(|id| id.to_string()).unwrap_or_default();
        let fields = self.fields();
        let kept = fields.iter().filter(|(name, _)| *name != "cursor");
        let kept = kept.map(|(name, value)| (*name, value.as_str()));
        let deep = if self.cursor.is_some() { "1" } else { "" };
        format!("/outbound/live?{}", form::query(kept.chain([("newest", newest.as_str()), ("deep", deep)])))
    }

    /// Whether anything but the status narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        *self != Self { status: self.status, kind: self.kind, cursor: self.cursor, ..Self::default() }
    }

    /// Whether one of the filters is set that a narrow screen folds away.
    pub(crate) const fn has_dates_or_owner(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.owner.is_some()
    }

    /// Whether something narrows the messages of each status, so that numbers by status alone would mislead.
    pub(crate) fn narrows_each_status(&self) -> bool {
        let alone = Self { status: self.status, kind: self.kind, cursor: self.cursor, ..Self::default() };
        *self != Self { cause: self.cause.clone(), ..alone }
    }

    /// The status, for the search form to keep.
    pub(crate) fn status_word(&self) -> &'static str {
        self.status.map_or("", Status::as_str)
    }

    /// The kind of failure, for the search form to keep.
    pub(crate) fn kind_word(&self) -> &'static str {
        self.kind.map_or("", FailureKind::as_str)
    }

    /// A day for a date field.
    pub(crate) fn day(&self, day: &Option<NaiveDate>) -> String {
        day.map(|day| day.to_string()).unwrap_or_default()
    }

    /// The owner's id for its field.
    pub(crate) fn owner_word(&self) -> &str {
        self.owner.as_ref().map_or("", OwnerId::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_what_it_does_not_change() {
        let query =
            Query::parse("status=FAILED&kind=DEAD&q=h%E1%BB%8Dc+ph%C3%AD&channel=ZALO&priority=nonsense");
        assert_eq!(query.priority, None);
        assert_eq!(
            query.link(&[("kind", "")]),
            "/outbound?status=FAILED&channel=ZALO&q=h%E1%BB%8Dc+ph%C3%AD"
        );
        assert_eq!(Query::parse(query.link(&[]).strip_prefix("/outbound?").unwrap()), query);
        assert!(query.is_narrowed() && !Query::parse("status=FAILED&kind=DEAD").is_narrowed());
    }

    #[test]
    fn a_number_is_found_as_people_write_it() {
        let filter = |q: &str| {
            Query { search: q.to_owned(), ..Query::default() }
                .filter(&QuietHours::new(chrono_tz::UTC, None))
                .text
                .unwrap()
        };
        assert_eq!(
            [filter("0912 340 101"), filter("0912.340"), filter("2026"), filter("học phí")],
            ["912340101", "912340", "2026", "học phí"]
        );
    }
}
