//! Queue messages: one, or up to 10,000 with one template (contract §7 to §9).

pub mod advise;
mod directory;
pub mod notice;
mod portions;
pub mod prepare;
pub mod preview;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::iter;

use self::directory::Directory;
use self::portions::Portions;
use self::prepare::{Preparation, Problem};
use super::Deps;
use crate::access::Caller;
use crate::channel::Channel;
use crate::ids::{BranchId, JobId, LeadId, NotificationId, OwnerId, StudentId, TemplateKey};
use crate::message::{Message, Priority};
use crate::ports::templates::Template;
use crate::ports::{DuplicateWindow, NewMessage, StoreError};

/// The most recipients in one request (contract §9).
pub const MAX_RECIPIENTS: usize = 10_000;
/// How far ahead a message may be scheduled, in days.
pub const MAX_SCHEDULE_DAYS: i64 = 366;

/// Where the text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextSource {
    /// A stored template.
    Template(TemplateKey),
    /// A stored template, without its diacritics once it is filled: as SMS it is shorter.
    PlainTemplate(TemplateKey),
    /// The text itself.
    Text(String),
}

impl TextSource {
    /// The text, where there is no template.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Template(_) | Self::PlainTemplate(_) => None,
        }
    }

    /// Whether the text is to lose its diacritics.
    pub(crate) const fn is_plain(&self) -> bool {
        match self {
            Self::PlainTemplate(_) => true,
            Self::Template(_) | Self::Text(_) => false,
        }
    }
}

/// One recipient of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipientSpec {
    /// A lead that the CRM pushed.
    pub lead_id: Option<LeadId>,
    /// A student that the CRM pushed.
    pub student_id: Option<StudentId>,
    /// An address; wins over the contact's.
    pub to: Option<String>,
    /// Variables of this recipient; they win over the command's.
    pub variables: BTreeMap<String, String>,
}

/// Messages that somebody wants to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCommand {
    /// The way they go.
    pub channel: Channel,
    /// Where the text comes from.
    pub source: TextSource,
    /// Who gets it.
    pub recipients: Vec<RecipientSpec>,
    /// Variables of all.
    pub variables: BTreeMap<String, String>,
    /// How urgent they are.
    pub priority: Priority,
    /// Whose they are; otherwise the contact's owner.
    pub owner_id: Option<OwnerId>,
    /// Their branch; otherwise the contact's.
    pub branch_id: Option<BranchId>,
    /// The CRM notification that they belong to.
    pub notification_id: Option<NotificationId>,
    /// When they are to go; otherwise at once.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// Whether they pass the rule for duplicates.
    pub allow_duplicate: bool,
    /// The job that they belong to.
    pub job_id: Option<JobId>,
}

/// A recipient that can't be sent to, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the command.
    pub index: usize,
    /// What is wrong; at least one.
    pub problems: Vec<Problem>,
}

/// What a command comes to.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The messages, QUEUED or SKIPPED, with their places in the command.
    pub messages: Vec<(usize, Message)>,
    /// The recipients that were left out.
    pub rejected: Vec<Rejected>,
}

/// Why nothing of a command could be done.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A part that is the same for all recipients is wrong.
    #[error("the request is wrong in {} places", .0.len())]
    Command(Vec<Problem>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Works out what a command comes to without storing anything: the messages are as they would be queued.
pub async fn plan(deps: &Deps<'_>, caller: &Caller, command: &CreateCommand) -> Result<Batch, CreateError> {
    let known = known(deps, caller, command).await?;
    let mut portions = Portions::new(deps, known.preparation(caller, command));
    let mut messages = Vec::new();
    while let Some(new) = portions.next().await {
        messages.extend(new.into_iter().map(|new| new.message));
    }
    Ok(portions.into_batch(messages))
}

/// Queues what a command comes to, in one piece. Rejected recipients do not spoil the others.
pub async fn create(deps: &Deps<'_>, caller: &Caller, command: &CreateCommand) -> Result<Batch, CreateError> {
    let known = known(deps, caller, command).await?;
    let mut portions = Portions::new(deps, known.preparation(caller, command));
    let window = duplicate_window(deps);
    let stored = match portions.next().await {
        Some(new) if portions.is_done() => deps.stores.insert(new, window).await?,
        Some(new) => {
            let all = iter([new]).chain(portions.rest());
            deps.stores.insert_portions(Box::pin(all), window).await?
        }
        None => Vec::new(),
    };
    Ok(portions.into_batch(stored))
}

/// Stores a planned batch.
pub async fn store(deps: &Deps<'_>, command: &CreateCommand, planned: Batch) -> Result<Batch, CreateError> {
    let (places, new): (Vec<_>, Vec<_>) = planned
        .messages
        .into_iter()
        .map(|(index, message)| (index, NewMessage { message, allow_duplicate: command.allow_duplicate }))
        .unzip();
    let stored =
        if new.is_empty() { Vec::new() } else { deps.stores.insert(new, duplicate_window(deps)).await? };
    Ok(Batch { messages: places.into_iter().zip(stored).collect(), rejected: planned.rejected })
}

/// The window of §7 as it stands today; `None` where the rule is off.
pub fn duplicate_window(deps: &Deps<'_>) -> Option<DuplicateWindow> {
    let days = deps.rules.dedupe_days;
    (days > 0).then(|| DuplicateWindow { today: deps.rules.quiet_hours.local_day(deps.clock.now()), days })
}

/// What a command is carried out with.
struct Known {
    template: Option<Template>,
    directory: Directory,
}

impl Known {
    fn preparation<'a>(&'a self, caller: &'a Caller, command: &'a CreateCommand) -> Preparation<'a> {
        Preparation::new(caller, command, self.template.as_ref(), &self.directory)
    }
}

async fn known(deps: &Deps<'_>, caller: &Caller, command: &CreateCommand) -> Result<Known, CreateError> {
    let Checked { template, problems } = check(deps, caller, command).await?;
    if !problems.is_empty() {
        return Err(CreateError::Command(problems));
    }
    Ok(Known { template, directory: Directory::load(deps.stores, caller, command).await? })
}

/// What is the same for all recipients of a command, looked at once.
struct Checked {
    /// The template, where the command names one that can be used.
    template: Option<Template>,
    /// Everything that is wrong with it.
    problems: Vec<Problem>,
}

async fn check(deps: &Deps<'_>, caller: &Caller, command: &CreateCommand) -> Result<Checked, StoreError> {
    let mut problems = check_command(command, caller, deps.clock.now());
    let template = match &command.source {
        TextSource::Text(text) => {
            problems.extend(prepare::check_text(text).err());
            None
        }
        TextSource::Template(key) | TextSource::PlainTemplate(key) => {
            match deps.stores.template(key).await? {
                Some(template) if template.is_active => Some(template),
                Some(_) => {
                    let reason = format!("the template `{key}` is not active");
                    problems.push(Problem::invalid("templateKey", reason));
                    None
                }
                None => {
                    problems.push(Problem::not_found("templateKey", format!("there is no template `{key}`")));
                    None
                }
            }
        }
    };
    Ok(Checked { template, problems })
}

fn check_command(command: &CreateCommand, caller: &Caller, now: DateTime<Utc>) -> Vec<Problem> {
    let scope = caller.scope();
    let mut problems = Vec::new();
    if command.recipients.len() > MAX_RECIPIENTS {
        problems.push(Problem::invalid("recipients", format!("must have at most {MAX_RECIPIENTS} entries")));
    }
    if let (Some(mine), Some(asked)) = (&scope.owner, &command.owner_id)
        && mine != asked
    {
        problems.push(Problem::forbidden("ownerId", "lies outside your scope"));
    }
    if let (Some(mine), Some(asked)) = (&scope.branch, &command.branch_id)
        && mine != asked
    {
        problems.push(Problem::forbidden("branchId", "lies outside your scope"));
    }
    if command.scheduled_at.is_some_and(|at| at > now + TimeDelta::days(MAX_SCHEDULE_DAYS)) {
        problems.push(Problem::invalid(
            "scheduledAt",
            format!("must lie within {MAX_SCHEDULE_DAYS} days from now"),
        ));
    }
    problems
}
