//! Which due messages a run takes, and in what order (contract §3, §6).
//!
//! The storage answers the same question in SQL; a test gives both the same random messages and compares.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::ids::{MessageId, OwnerId};
use crate::message::Priority;

/// What the order depends on, of one due message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: MessageId,
    /// How urgent it is.
    pub priority: Priority,
    /// When it became due.
    pub due_at: DateTime<Utc>,
    /// Whose it is; without an owner only the global limit counts.
    pub owner: Option<OwnerId>,
}

/// How many messages may still be leased now.
#[derive(Debug, Clone, Default)]
pub struct Budgets {
    /// Over all messages.
    pub global: u32,
    /// For an owner that is not in `owners`.
    pub per_owner: u32,
    /// For owners of whom some were leased within the last minute.
    pub owners: HashMap<OwnerId, u32>,
}

/// The messages to lease, in order: by priority, then due time, then id, passing over those of owners whose budget is
/// used up, at most `limit` and at most the global budget.
pub fn pick(mut due: Vec<Candidate>, limit: u32, budgets: &Budgets) -> Vec<MessageId> {
    due.sort_by_key(|candidate| (candidate.priority, candidate.due_at, candidate.id));
    let most = usize::try_from(limit.min(budgets.global)).unwrap_or(usize::MAX);
    let mut left = budgets.owners.clone();
    let mut picked = Vec::new();
    for candidate in due {
        if picked.len() >= most {
            break;
        }
        if let Some(owner) = &candidate.owner {
            let budget = left.entry(owner.clone()).or_insert(budgets.per_owner);
            if *budget == 0 {
                continue;
            }
            *budget -= 1;
        }
        picked.push(candidate.id);
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn candidate(n: u128, priority: Priority, due: i64, owner: Option<&str>) -> Candidate {
        Candidate {
            id: MessageId::new(Uuid::from_u128(n)),
            priority,
            due_at: DateTime::from_timestamp(due, 0).unwrap(),
            owner: owner.map(|o| OwnerId::parse(o).unwrap()),
        }
    }

    fn numbers(ids: &[MessageId]) -> Vec<u128> {
        ids.iter().map(|id| id.uuid().as_u128()).collect()
    }

    fn plenty() -> Budgets {
        Budgets { global: u32::MAX, per_owner: u32::MAX, owners: HashMap::new() }
    }

    #[test]
    fn priority_comes_first_then_due_time_then_id() {
        let due = vec![
            candidate(4, Priority::Low, 1, None),
            candidate(3, Priority::High, 9, None),
            candidate(2, Priority::Medium, 5, None),
            candidate(1, Priority::Medium, 5, None),
        ];
        assert_eq!(numbers(&pick(due, 10, &plenty())), [3, 1, 2, 4]);
    }

    #[test]
    fn an_owner_at_the_limit_does_not_hold_back_others() {
        let mut due: Vec<_> = (1..=60).map(|n| candidate(n, Priority::High, 1, Some("busy"))).collect();
        due.extend((61..=70).map(|n| candidate(n, Priority::Low, 2, Some("quiet"))));
        let budgets = Budgets { per_owner: 30, ..plenty() };
        let picked = numbers(&pick(due, 50, &budgets));
        assert_eq!(picked.iter().filter(|n| **n <= 60).count(), 30);
        assert_eq!(picked.iter().filter(|n| **n > 60).count(), 10);
    }

    #[test]
    fn messages_without_an_owner_count_only_against_the_global_limit() {
        let due = (1..=9).map(|n| candidate(n, Priority::Low, 1, None)).collect();
        assert_eq!(pick(due, 50, &Budgets { global: 7, per_owner: 0, owners: HashMap::new() }).len(), 7);
    }
}
