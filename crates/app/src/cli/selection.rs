//! Which messages a command means: by id, or all that match.

use std::str::FromStr;

use anyhow::bail;
use chrono::NaiveDate;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::channel::Channel;
use domain::ids::{BranchId, JobId, LeadId, MessageId, OwnerId, StudentId};
use domain::message::{FailureKind, Priority, Status};
use domain::policy::quiet_hours::QuietHours;
use domain::ports::Filter;

/// Ids, or what narrows the messages; each option that is given must match.
#[derive(Debug, Args)]
pub(super) struct Select {
    /// The messages' ids
    #[arg(value_name = "ID", conflicts_with_all = ["status", "failure_kind", "channel", "priority", "from", "to",
        "search", "lead", "student", "owner", "branch", "job", "all"])]
    ids: Vec<MessageId>,
    /// In this status
    #[arg(long, ignore_case = true, value_parser = word::<Status>(Status::ALL.iter().map(|one| one.as_str())))]
    status: Option<Status>,
    /// FAILED for this reason
    #[arg(long, ignore_case = true, value_name = "KIND",
        value_parser = word::<FailureKind>(FailureKind::ALL.iter().map(|one| one.as_str())))]
    failure_kind: Option<FailureKind>,
    /// On this channel
    #[arg(long, ignore_case = true, value_parser = word::<Channel>(Channel::ALL.iter().map(|one| one.as_str())))]
    channel: Option<Channel>,
    /// Of this priority
    #[arg(long, ignore_case = true, value_parser = word::<Priority>(Priority::ALL.iter().map(|one| one.as_str())))]
    priority: Option<Priority>,
    /// Created on this local day (of OPS_TZ) or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,
    /// Created on this local day or earlier
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<NaiveDate>,
    /// With words that begin so in recipient, name, template key or text, whatever the letter case and diacritics; three
    /// digits and more anywhere in the number
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// To this lead
    #[arg(long, value_name = "ID")]
    lead: Option<LeadId>,
    /// To this student
    #[arg(long, value_name = "ID")]
    student: Option<StudentId>,
    /// Of this owner
    #[arg(long, value_name = "ID")]
    owner: Option<OwnerId>,
    /// Of this branch
    #[arg(long, value_name = "ID")]
    branch: Option<BranchId>,
    /// Of this job
    #[arg(long, value_name = "ID")]
    job: Option<JobId>,
    /// Every message there is
    #[arg(long)]
    all: bool,
}

/// What was selected.
pub(super) enum Selection<'a> {
    /// These.
    Ids(&'a [MessageId]),
    /// All that match.
    Filter(Box<Filter>),
}

impl Select {
    /// What is selected; days are those of the calendar's zone.
    pub(super) fn selection(&self, calendar: &QuietHours) -> anyhow::Result<Selection<'_>> {
        if !self.ids.is_empty() {
            return Ok(Selection::Ids(&self.ids));
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            bail!("--to must not lie before --from");
        }
        if self.search.as_deref().is_some_and(|text| text.trim().is_empty()) {
            bail!("--search must not be empty");
        }
        let filter = Filter {
            status: self.status,
            failure_kind: self.failure_kind,
            cause: None,
            channel: self.channel,
            priority: self.priority,
            created_from: self.from.map(|day| calendar.day_bounds(day).0),
            created_before: self.to.map(|day| calendar.day_bounds(day).1),
            text: self.search.clone(),
            lead_id: self.lead.clone(),
            student_id: self.student.clone(),
            owner_id: self.owner.clone(),
            branch_id: self.branch.clone(),
            job_id: self.job,
        };
        if filter == Filter::default() && !self.all {
            bail!("say which messages: ids, options such as --status, or --all for every message");
        }
        Ok(Selection::Filter(Box::new(filter)))
    }
}

/// A word of a closed list, in any letter case; the help and the shell's completion name them all.
fn word<T>(words: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = domain::vocabulary::UnknownWord> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.collect::<Vec<_>>()).try_map(|given| given.to_ascii_uppercase().parse())
}
