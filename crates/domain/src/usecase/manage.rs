//! Cancel and requeue: one, several, or all that match (contract §2, §9).

use std::collections::{HashMap, HashSet};

use super::Deps;
use crate::access::Scope;
use crate::actor::Actor;
use crate::audit::{AuditAction, AuditEntry};
use crate::ids::MessageId;
use crate::message::{Change, Event, Illegal, Message, Step};
use crate::ports::{Filter, Saved, StoreError};

/// How many are read and saved at a time.
const PORTION: u32 = 1_000;
/// How often a message that keeps changing is decided anew.
const MAX_RACES: usize = 20;

/// What a person wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Stop it.
    Cancel,
    /// Queue it anew.
    Requeue,
}

impl Act {
    fn event(self, by: &Actor) -> Event {
        match self {
            Self::Cancel => Event::Cancel { by: by.clone() },
            Self::Requeue => Event::Requeue { by: by.clone() },
        }
    }
}

/// How many ids a deed names; the timelines have them all.
const NAMED: usize = 50;

impl Act {
    const fn action(self) -> AuditAction {
        match self {
            Self::Cancel => AuditAction::Cancel,
            Self::Requeue => AuditAction::Requeue,
        }
    }
}

/// What came of it, by message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    /// The messages as they are now.
    pub changed: Vec<Message>,
    /// The messages that did not allow it.
    pub refused: Vec<(MessageId, Illegal)>,
    /// Unknown, or outside the scope.
    pub unknown: Vec<MessageId>,
    /// Kept changing; ask again.
    pub contended: Vec<MessageId>,
}

/// Cancels or requeues these messages, as far as they lie in the scope, and tells the audit trail. Given a
/// transaction's stores, both are one.
pub async fn manage(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    scope: &Scope,
    ids: &[MessageId],
) -> Result<Managed, StoreError> {
    let managed = manage_quietly(deps, act, by, scope, ids).await?;
    let deed = deps.deed(by, act.action());
    match managed.changed.as_slice() {
        [] => {}
        [one] => deps.stores.record(&[deed.to(one.id)]).await?,
        several => {
            let named: Vec<_> = several.iter().take(NAMED).map(|one| one.id.to_string()).collect();
            let deed = deed.with("changed", several.len()).with("ids", named.join(" "));
            deps.stores.record(&[deed]).await?;
        }
    }
    Ok(managed)
}

async fn manage_quietly(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    scope: &Scope,
    ids: &[MessageId],
) -> Result<Managed, StoreError> {
    let (mut open, mut managed) = visible(deps, scope, ids).await?;
    for _ in 0..MAX_RACES {
        if open.is_empty() {
            break;
        }
        open = attempt(deps, act, by, &open, &mut managed).await?;
    }
    managed.contended = open;
    Ok(managed)
}

/// What [`manage`] would do with them now. Changes nothing.
pub async fn rehearse(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    scope: &Scope,
    ids: &[MessageId],
) -> Result<Managed, StoreError> {
    let (open, mut managed) = visible(deps, scope, ids).await?;
    let changes = decide(deps, act, by, &open, &mut managed).await?;
    managed.changed = changes.into_iter().map(|(before, change)| before.after(&change)).collect();
    Ok(managed)
}

/// Each id once: those in the scope, and what is said about the others.
async fn visible(
    deps: &Deps<'_>,
    scope: &Scope,
    ids: &[MessageId],
) -> Result<(Vec<MessageId>, Managed), StoreError> {
    let mut once = HashSet::new();
    let ids: Vec<MessageId> = ids.iter().copied().filter(|id| once.insert(*id)).collect();
    let visible: HashSet<MessageId> = deps.stores.within(scope, &ids).await?.into_iter().collect();
    let (open, unknown): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| visible.contains(id));
    Ok((open, Managed { unknown, ..Managed::default() }))
}

/// One read and one decision each: the messages, and what is to be saved of each.
async fn decide(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    ids: &[MessageId],
    managed: &mut Managed,
) -> Result<Vec<(Message, Change)>, StoreError> {
    let mut messages: HashMap<MessageId, Message> =
        deps.stores.load(ids).await?.into_iter().map(|message| (message.id, message)).collect();
    let mut changes: Vec<(Message, Change)> = Vec::new();
    for id in ids {
        let Some(message) = messages.remove(id) else {
            managed.unknown.push(*id);
            continue;
        };
        match message.apply(act.event(by), &deps.context()) {
            Ok(Step::Moved(change)) => changes.push((message, *change)),
            Ok(Step::Same(..)) => {}
            Err(illegal) => managed.refused.push((*id, illegal)),
        }
    }
    Ok(changes)
}

/// Decides and saves; answers the messages that changed in between.
async fn attempt(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    ids: &[MessageId],
    managed: &mut Managed,
) -> Result<Vec<MessageId>, StoreError> {
    let (messages, changes): (Vec<Message>, Vec<Change>) =
        decide(deps, act, by, ids, managed).await?.into_iter().unzip();
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let saved = deps.stores.save(&changes).await?;
    let mut raced = Vec::new();
    for ((message, change), saved) in messages.into_iter().zip(changes).zip(saved) {
        match saved {
            Saved::Done => managed.changed.push(message.after(&change)),
            Saved::Stale => raced.push(change.message.id),
        }
    }
    Ok(raced)
}

/// What came of work on all that match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many changed.
    pub changed: u64,
    /// How many did not allow it.
    pub refused: u64,
}

impl Counts {
    fn add(&mut self, managed: &Managed) {
        self.changed += managed.changed.len() as u64;
        self.refused += (managed.refused.len() + managed.contended.len()) as u64;
    }
}

/// Cancels or requeues all that match, in portions, oldest first; `progress` hears of each portion. The audit trail is
/// told before the first, so that it knows also of work that was broken off, and at the end.
pub async fn manage_matching(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    scope: &Scope,
    filter: &Filter,
    progress: &mut (dyn FnMut(Counts) + Send),
) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    let mut after = None;
    deps.stores.record(&[filtered(deps.deed(by, act.action()), filter).with("begins", true)]).await?;
    while let Some(ids) = portion(deps, scope, filter, &mut after).await? {
        counts.add(&manage_quietly(deps, act, by, scope, &ids).await?);
        progress(counts);
    }
    let deed = filtered(deps.deed(by, act.action()), filter);
    let deed = deed.with("changed", counts.changed).with("refused", counts.refused);
    deps.stores.record(&[deed]).await?;
    Ok(counts)
}

/// The deed with what it was narrowed to. Whether a text was searched for is told, the text is not: it may be a phone
/// number.
fn filtered(deed: AuditEntry, filter: &Filter) -> AuditEntry {
    let Filter {
        status,
        failure_kind,
        cause,
        channel,
        priority,
        created_from,
        created_before,
        text,
        lead_id,
        student_id,
        owner_id,
        branch_id,
        job_id,
    } = filter;
    let narrowed = [
        ("status", status.map(|word| word.to_string())),
        ("failureKind", failure_kind.map(|word| word.to_string())),
        ("cause", cause.clone()),
        ("channel", channel.map(|word| word.to_string())),
        ("priority", priority.map(|word| word.to_string())),
        ("createdFrom", created_from.map(|at| at.to_rfc3339())),
        ("createdBefore", created_before.map(|at| at.to_rfc3339())),
        ("q", text.as_ref().map(|_| "(a text)".to_owned())),
        ("leadId", lead_id.as_ref().map(ToString::to_string)),
        ("studentId", student_id.as_ref().map(ToString::to_string)),
        ("ownerId", owner_id.as_ref().map(ToString::to_string)),
        ("branchId", branch_id.as_ref().map(ToString::to_string)),
        ("jobId", job_id.map(|id| id.to_string())),
    ];
    let given = narrowed.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.fold(deed, |deed, (name, value)| deed.with(name, value))
}

/// What [`manage_matching`] would do now. Changes nothing.
pub async fn rehearse_matching(
    deps: &Deps<'_>,
    act: Act,
    by: &Actor,
    scope: &Scope,
    filter: &Filter,
    progress: &mut (dyn FnMut(Counts) + Send),
) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    let mut after = None;
    while let Some(ids) = portion(deps, scope, filter, &mut after).await? {
        counts.add(&rehearse(deps, act, by, scope, &ids).await?);
        progress(counts);
    }
    Ok(counts)
}

/// The next of those that match, oldest first; `None` at the end.
async fn portion(
    deps: &Deps<'_>,
    scope: &Scope,
    filter: &Filter,
    after: &mut Option<MessageId>,
) -> Result<Option<Vec<MessageId>>, StoreError> {
    let ids = deps.stores.matching(scope, filter, *after, PORTION).await?;
    let Some(last) = ids.last() else { return Ok(None) };
    *after = Some(*last);
    Ok(Some(ids))
}
