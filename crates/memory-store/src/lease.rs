//! The lease, by the domain's own order and windows.

use std::collections::HashMap;

use domain::actor::Actor;
use domain::message::timeline::{Entry, EntryKind};
use domain::message::{Context, Step};
use domain::message::{Event, Message, SkipReason, State, Status};
use domain::policy::lease_order::{Budgets, Candidate, pick};
use domain::policy::retry::Jitter;
use domain::ports::{LeaseMode, LeaseRequest, Leased, RunRecord};
use domain::rules::Rules;

use crate::Inner;

/// The key of the window over all messages.
pub(crate) const GLOBAL: &str = "";

impl Inner {
    pub(crate) fn lease_due(&mut self, request: &LeaseRequest) -> Leased {
        let due: Vec<Candidate> =
            self.messages.values().filter(|m| wanted(m, request)).filter_map(candidate).collect();
        let due_count = due.len();
        let picked = pick(due, request.limit, &self.budgets(request));
        let held_back = if picked.len() < request.limit as usize { due_count - picked.len() } else { 0 };
        let mut leased =
            Leased { rate_limited: u32::try_from(held_back.min(1_000)).unwrap_or(0), ..Leased::default() };
        for id in picked {
            let Some(message) = self.messages.get(&id).cloned() else { continue };
            let owner = message.content.owner_id.clone();
            let after = after_lease(&message, request);
            if request.dry_run {
                leased.messages.extend(after);
                continue;
            }
            self.charge(request, owner.as_ref().map(|owner| owner.as_str()));
            if self.has_opted_out(&message) {
                self.suppress(message, request);
                leased.suppressed.push(id);
            } else if let Some(after) = after {
                self.messages.insert(id, after.clone());
                leased.messages.push(after);
            }
        }
        if !request.dry_run && !leased.messages.is_empty() {
            self.runs.insert(request.lease, run_record(request, leased.messages.len()));
        }
        leased
    }

    fn budgets(&self, request: &LeaseRequest) -> Budgets {
        let limits = &request.limits;
        let left = |key: &str, limit| {
            self.windows.get(key).cloned().unwrap_or_default().remaining(limit, request.now)
        };
        let owners = self.messages.values().filter_map(|m| m.content.owner_id.clone());
        let owners: HashMap<_, _> =
            owners.map(|owner| (owner.clone(), left(&owner_key(owner.as_str()), limits.per_owner))).collect();
        Budgets {
            global: left(GLOBAL, limits.global),
            per_owner: limits.per_owner.get().unwrap_or(u32::MAX),
            owners,
        }
    }

    fn charge(&mut self, request: &LeaseRequest, owner: Option<&str>) {
        for key in [Some(GLOBAL.to_owned()), owner.map(owner_key)].into_iter().flatten() {
            self.windows.entry(key).or_default().charge(request.now, 1);
        }
    }

    fn suppress(&mut self, message: Message, request: &LeaseRequest) {
        let reason = SkipReason::OptedOut.as_str().to_owned();
        let entry = Entry {
            at: request.now,
            kind: EntryKind::Suppressed,
            from: message.status(),
            to: Status::Skipped,
            by: Actor::System,
            attempt: message.attempt,
            lease: Some(request.lease),
            leased_at: None,
            dispatched_at: None,
            detail: Some(reason.clone()),
        };
        self.entries.entry(message.id).or_default().push(entry);
        let revision = message.revision + 1;
        let skipped =
            Message { state: State::Skipped { reason }, revision, updated_at: request.now, ..message };
        self.messages.insert(skipped.id, skipped);
    }
}

fn owner_key(owner: &str) -> String {
    format!("owner:{owner}")
}

fn wanted(message: &Message, request: &LeaseRequest) -> bool {
    let content = &message.content;
    message.state.due_at().is_some_and(|due| due <= request.now)
        && request.channels.iter().any(|open| {
            open.channel == content.channel && open.closes_at.is_none_or(|closes_at| closes_at > request.now)
        })
        && request.scope.covers(content.owner_id.as_ref(), content.branch_id.as_ref())
        && request.only.is_none_or(|only| only == message.id)
        && (!request.retry_failed_only || message.status() == Status::Failed)
}

fn candidate(message: &Message) -> Option<Candidate> {
    Some(Candidate {
        id: message.id,
        priority: message.priority,
        due_at: message.state.due_at()?,
        owner: message.content.owner_id.clone(),
    })
}

/// The state machine's own lease, under rules that hold just the times of the request.
fn after_lease(message: &Message, request: &LeaseRequest) -> Option<Message> {
    let (pulled, callback_timeout) = match request.mode {
        LeaseMode::Push => (false, request.lease_expires_at - request.now),
        LeaseMode::Pull { deadline } => (true, deadline - request.now),
    };
    let rules =
        Rules { lease_for: request.lease_expires_at - request.now, callback_timeout, ..Rules::default() };
    let ctx = Context { now: request.now, jitter: Jitter::new(0.0), rules: &rules };
    match message.apply(Event::Lease { lease: request.lease, pulled }, &ctx) {
        Ok(Step::Moved(change)) => Some(message.after(&change)),
        Ok(Step::Same(..)) | Err(_) => None,
    }
}

fn run_record(request: &LeaseRequest, leased: usize) -> RunRecord {
    RunRecord {
        lease: request.lease,
        started_at: request.now,
        by: request.by.clone(),
        pulled: matches!(request.mode, LeaseMode::Pull { .. }),
        ignored_quiet_hours: request.ignored_quiet_hours,
        leased: u32::try_from(leased).unwrap_or(u32::MAX),
        ended_at: None,
        handed_off: 0,
        failed: 0,
        released: 0,
        rate_limited: 0,
    }
}
