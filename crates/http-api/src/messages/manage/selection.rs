//! Which messages are meant: by id, or all that match a filter.

use domain::ids::MessageId;
use domain::policy::quiet_hours::QuietHours;
use domain::ports::Filter;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{Form, Strict};
use crate::fields::Fields;
use crate::words::{ChannelWord, FailureKindWord, PriorityWord, StatusWord};

/// The most ids of one request.
const MAX_IDS: usize = 1_000;

/// Which messages: either `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Select {
    #[schema(value_type = Option<Vec<crate::words::Id>>, min_items = 1, max_items = 1000)]
    ids: Option<Vec<String>>,
    /// All that match, within the caller's scope.
    #[schema(value_type = Option<SelectFilter>)]
    filter: Option<Strict<SelectFilter>>,
    /// Must be true where the filter is empty: then all messages of the caller's scope are meant.
    all: Option<bool>,
}

impl Form for Select {}

/// What narrows the messages; each field that is there must match.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SelectFilter {
    status: Option<StatusWord>,
    failure_kind: Option<FailureKindWord>,
    channel: Option<ChannelWord>,
    priority: Option<PriorityWord>,
    /// Created on this local day or later.
    #[schema(format = Date)]
    from: Option<String>,
    /// Created on this local day or earlier.
    #[schema(format = Date)]
    to: Option<String>,
    /// Words, each at the beginning of a word of the recipient's name, the template's key or the text, whatever its
    /// letter case and diacritics; or three digits and more, anywhere in the phone number;
    /// behind a `+` at its beginning.
    #[schema(min_length = 1, max_length = 200)]
    q: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    lead_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    student_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    owner_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    branch_id: Option<String>,
    #[schema(format = Uuid)]
    job_id: Option<String>,
}

/// What was selected.
pub(super) enum Selection {
    /// These.
    Ids(Vec<MessageId>),
    /// All that match.
    Filter(Box<Filter>),
}

impl Select {
    /// What is selected; the filter's days are those of `OPS_TZ`.
    pub(super) fn selection(self, calendar: &QuietHours) -> Result<Selection, ApiError> {
        let mut fields = Fields::default();
        let selection = match (self.ids, self.filter) {
            (Some(ids), None) => {
                if self.all.is_some() {
                    fields.wrong("all", "goes with filter only");
                }
                Some(Selection::Ids(read_ids(&mut fields, &ids)))
            }
            (None, Some(Strict(filter))) => {
                let filter = filter.read(&mut fields, calendar);
                if fields.is_clean() && filter == Filter::default() && self.all != Some(true) {
                    fields.wrong("filter", "is empty: give `all: true` to mean every message");
                }
                Some(Selection::Filter(Box::new(filter)))
            }
            (None, None) => {
                fields.wrong("ids", "is required, or filter in its place");
                None
            }
            (Some(_), Some(_)) => {
                fields.wrong("filter", "must not be given together with ids");
                None
            }
        };
        fields.finish(selection)
    }
}

fn read_ids(fields: &mut Fields, ids: &[String]) -> Vec<MessageId> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        fields.wrong("ids", format!("must have 1 to {MAX_IDS} entries"));
        return Vec::new();
    }
    let read = ids.iter().enumerate().map(|(at, id)| fields.parse(format!("ids[{at}]"), Some(id.as_str())));
    read.collect::<Vec<_>>().into_iter().flatten().collect()
}

impl SelectFilter {
    /// Unlike in a list, an empty value is no missing filter but a mistake: it would select far more than was meant.
    fn read(&self, fields: &mut Fields, calendar: &QuietHours) -> Filter {
        let from = self.from.as_deref().and_then(|day| fields.day("filter.from", day));
        let to = self.to.as_deref().and_then(|day| fields.day("filter.to", day));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            fields.wrong("filter.to", "must not lie before from");
        }
        if self.q.as_deref().is_some_and(|text| text.trim().is_empty()) {
            fields.wrong("filter.q", "must not be empty");
        }
        Filter {
            status: fields.word("filter.status", self.status.as_ref()),
            failure_kind: fields.word("filter.failureKind", self.failure_kind.as_ref()),
            cause: None,
            channel: fields.word("filter.channel", self.channel.as_ref()),
            priority: fields.word("filter.priority", self.priority.as_ref()),
            created_from: from.map(|day| calendar.day_bounds(day).0),
            created_before: to.map(|day| calendar.day_bounds(day).1),
            text: fields.search("filter.q", &self.q),
            lead_id: fields.parse("filter.leadId", self.lead_id.as_deref()),
            student_id: fields.parse("filter.studentId", self.student_id.as_deref()),
            owner_id: fields.parse("filter.ownerId", self.owner_id.as_deref()),
            branch_id: fields.parse("filter.branchId", self.branch_id.as_deref()),
            job_id: fields.parse("filter.jobId", self.job_id.as_deref()),
        }
    }
}
