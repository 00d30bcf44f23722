//! What a command would come to, with everything that is wrong or noteworthy at once (contract §9, `dryRun`).
//!
//! Stores nothing. What is foretold may have changed by the time that the command is given.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::directory::Directory;
use super::notice::Notice;
use super::prepare::{Misfit, Preparation, Problem, ProblemKind, prepare};
use super::{
    Checked, CreateCommand, Deps, MAX_RECIPIENTS, RecipientSpec, TextSource, check, duplicate_window,
};
use crate::access::Caller;
use crate::address::{Address, recipient_keys};
use crate::channel::Channel;
use crate::explain::{Explanation, Reason, foresee};
use crate::ids::OwnerId;
use crate::message::{SkipReason, duplicate_key};
use crate::ports::templates::Template;
use crate::ports::{DuplicateWindow, StoreError};
use crate::sms::{SmsMeter, SmsSize};
use crate::turns::Turns;
use crate::usecase::explain::facts;

/// How many unused variables a notice names, and how much of each name.
const MAX_NAMES: usize = 20;
/// See [`MAX_NAMES`].
const MAX_NAME: usize = 64;

/// What a command would come to.
#[derive(Debug, Clone)]
pub struct Advice {
    /// What is wrong for all recipients; none of them would be stored.
    pub problems: Vec<Problem>,
    /// What is noteworthy for all recipients.
    pub notices: Vec<Notice>,
    /// When the quiet hours end that it would fall into.
    pub quiet_until: Option<DateTime<Utc>>,
    /// When what is queued is expected to begin to go; `None` where that depends on people.
    pub expected_at: Option<DateTime<Utc>>,
    /// Each recipient, in the order given; none where there are too many.
    pub recipients: Vec<RecipientAdvice>,
}

/// What one recipient would come to.
#[derive(Debug, Clone)]
pub struct RecipientAdvice {
    /// What is wrong with it alone.
    pub problems: Vec<Problem>,
    /// What is noteworthy about it alone.
    pub notices: Vec<Notice>,
    /// Where it would go, as far as that is known.
    pub to: Option<Address>,
    /// What it would say, as far as that is known.
    pub text: Option<String>,
    /// Its text as SMS, on that channel.
    pub sms: Option<SmsSize>,
    /// Whether it would be a duplicate.
    pub duplicate: bool,
    /// Whether the recipient has opted out of the channel.
    pub opted_out: bool,
    owner: Option<OwnerId>,
}

impl RecipientAdvice {
    /// Why it would be stored without being queued.
    pub const fn skipped(&self) -> Option<SkipReason> {
        if self.opted_out {
            Some(SkipReason::OptedOut)
        } else if self.duplicate {
            Some(SkipReason::DuplicateToday)
        } else {
            None
        }
    }
}

/// Says what a command would come to.
pub async fn advise(
    deps: &Deps<'_>,
    caller: &Caller,
    command: &CreateCommand,
    webhook_enabled: bool,
) -> Result<Advice, StoreError> {
    let Checked { template, problems } = check(deps, caller, command).await?;
    let mut recipients = Vec::new();
    if command.recipients.len() <= MAX_RECIPIENTS {
        let directory = Directory::load(deps.stores, caller, command).await?;
        let preparation = Preparation::new(caller, command, template.as_ref(), &directory);
        let mut turns = Turns::default();
        for recipient in &command.recipients {
            let advice = look_at(&preparation, recipient, &problems, recipients.last());
            let length = advice.text.as_ref().map_or(0, String::len);
            recipients.push(advice);
            turns.worked(length).await;
        }
        foretell_skips(deps, command, &mut recipients).await?;
        recipients.iter_mut().for_each(RecipientAdvice::note);
    }
    let now = deps.clock.now();
    // The owner's limit is that of one message; a large batch takes as long as it takes.
    let owner = match recipients.as_slice() {
        [one] => one.owner.as_ref(),
        _ => None,
    };
    let due_at = command.scheduled_at.unwrap_or(now);
    let facts = facts(deps, webhook_enabled, owner).await?;
    let Explanation { reasons, expected_at } = foresee(command.channel, due_at, &facts);
    let waits = reasons.into_iter().filter(|reason| *reason != Reason::WaitingForWorker).map(Notice::Fate);
    let past = command.scheduled_at.is_some_and(|at| at < now).then_some(Notice::InThePast);
    Ok(Advice {
        problems,
        notices: past.into_iter().chain(waits).chain(of_template(command, template.as_ref())).collect(),
        quiet_until: deps.rules.quiet_hours.closed_until(command.channel, due_at.max(now)),
        expected_at,
        recipients,
    })
}

/// One recipient alone, without what the queue says of it. Often it says the same as the one `before`.
fn look_at(
    common: &Preparation<'_>,
    recipient: &RecipientSpec,
    said: &[Problem],
    before: Option<&RecipientAdvice>,
) -> RecipientAdvice {
    let (Misfit { mut problems, to, text }, owner) = match prepare(common, recipient) {
        Ok(content) => {
            let fit = Misfit { problems: Vec::new(), to: content.to, text: Some(content.text.0) };
            (fit, content.owner_id)
        }
        Err(misfit) => (misfit, None),
    };
    // An owner outside the scope is wrong for all, and has been said.
    problems.retain(|problem| !said.iter().any(|other| other.field == problem.field));
    let sms = match common.command.channel {
        Channel::Sms => match before {
            Some(before) if before.text == text => before.sms.clone(),
            Some(_) | None => text.as_deref().map(SmsMeter::measure),
        },
        Channel::Zalo | Channel::Facebook | Channel::CallNote => None,
    };
    let used = common.template.map_or(&[][..], |template| template.body.variables());
    let knows = matches!(common.command.source, TextSource::Text(_)) || common.template.is_some();
    let notices = unused(&recipient.variables, used).filter(|_| knows).into_iter().collect();
    RecipientAdvice { problems, notices, to, text, sms, duplicate: false, opted_out: false, owner }
}

/// Finds those that would be skipped, as [`crate::ports::MessageStore::insert`] would: also those that repeat another
/// one of the command.
async fn foretell_skips(
    deps: &Deps<'_>,
    command: &CreateCommand,
    recipients: &mut [RecipientAdvice],
) -> Result<(), StoreError> {
    let forbidden = |advice: &RecipientAdvice| {
        advice.problems.iter().any(|problem| problem.kind == ProblemKind::Forbidden)
    };
    // Nothing is told of those whom the caller may not write to.
    let (mut keys, mut repeats, mut turns) = (Vec::new(), Vec::new(), Turns::default());
    for (spec, advice) in command.recipients.iter().zip(&*recipients) {
        let own = match forbidden(advice) {
            true => Vec::new(),
            false => recipient_keys(spec.student_id.as_ref(), spec.lead_id.as_ref(), advice.to.as_ref()),
        };
        let repeat = repeat_key(command, &own, advice);
        turns.worked(repeat.as_ref().map_or(0, String::len)).await;
        keys.push(own);
        repeats.push(repeat);
    }
    let all: Vec<String> = keys.iter().flatten().cloned().collect();
    let opted_out: HashSet<String> = match all.as_slice() {
        [] => HashSet::new(),
        some => deps.stores.opted_out(command.channel, some).await?.into_iter().collect(),
    };
    let window = duplicate_window(deps).filter(|_| !command.allow_duplicate);
    let mut taken = taken(deps, &repeats, window).await?;
    for ((advice, keys), repeat) in recipients.iter_mut().zip(&keys).zip(repeats) {
        advice.opted_out = keys.iter().any(|key| opted_out.contains(key));
        let Some(key) = repeat.filter(|_| window.is_some()) else { continue };
        turns.worked(key.len()).await;
        advice.duplicate = taken.contains(&key);
        if !advice.opted_out && advice.problems.is_empty() {
            taken.insert(key);
        }
    }
    Ok(())
}

/// The key by which it could be a duplicate, as far as recipient and text are known.
fn repeat_key(command: &CreateCommand, keys: &[String], advice: &RecipientAdvice) -> Option<String> {
    let (template, text) = match (&command.source, &advice.text) {
        (TextSource::Template(key) | TextSource::PlainTemplate(key), _) => (Some(key), ""),
        (TextSource::Text(_), Some(text)) => (None, text.as_str()),
        (TextSource::Text(_), None) => return None,
    };
    (!keys.is_empty()).then(|| duplicate_key(keys, template, text))
}

async fn taken(
    deps: &Deps<'_>,
    keys: &[Option<String>],
    window: Option<DuplicateWindow>,
) -> Result<HashSet<String>, StoreError> {
    let keys: Vec<String> = keys.iter().flatten().cloned().collect();
    match window {
        Some(window) if !keys.is_empty() => Ok(deps.stores.taken(&keys, window).await?.into_iter().collect()),
        Some(_) | None => Ok(HashSet::new()),
    }
}

impl RecipientAdvice {
    fn note(&mut self) {
        let fate = self.skipped().map(|reason| match reason {
            SkipReason::OptedOut => Reason::Suppressed,
            SkipReason::DuplicateToday => Reason::Duplicate,
        });
        self.notices.extend(fate.map(Notice::Fate));
        if let Some(SmsSize { parts, parts_without_diacritics: fewer, .. }) = self.sms {
            self.notices.extend((parts > 1).then_some(Notice::SmsParts(parts)));
            let unicode = Notice::SmsUnicode { parts, without_diacritics: fewer };
            self.notices.extend((fewer < parts).then_some(unicode));
        }
    }
}

fn of_template(command: &CreateCommand, template: Option<&Template>) -> Vec<Notice> {
    let Some(template) = template else {
        let text = matches!(command.source, TextSource::Text(_));
        return unused(&command.variables, &[]).filter(|_| text).into_iter().collect();
    };
    let other = (template.channel != command.channel).then_some(Notice::OtherChannel(template.channel));
    other.into_iter().chain(unused(&command.variables, template.body.variables())).collect()
}

/// The variables that were given in vain.
fn unused(given: &BTreeMap<String, String>, used: &[String]) -> Option<Notice> {
    let names = given.keys().filter(|name| !used.contains(name)).take(MAX_NAMES);
    let names: Vec<String> = names.map(|name| name.chars().take(MAX_NAME).collect()).collect();
    (!names.is_empty()).then_some(Notice::UnusedVariables(names))
}
