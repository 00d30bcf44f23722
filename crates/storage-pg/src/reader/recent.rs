//! What was found out a moment ago, by what was asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most that are remembered; with more, all are forgotten.
const MOST: usize = 1_000;

/// Answers that hold for a while.
pub(super) struct Recent<V> {
    fresh: Duration,
    answers: Mutex<HashMap<String, (V, Instant)>>,
}

impl<V: Copy> Recent<V> {
    /// None yet; each will hold so long.
    pub(super) fn holding(fresh: Duration) -> Self {
        Self { fresh, answers: Mutex::default() }
    }

    /// What was answered, if that still holds.
    pub(super) fn answer(&self, asked: &str) -> Option<V> {
        let (answer, since) = self.answers().get(asked).copied()?;
        (since.elapsed() < self.fresh).then_some(answer)
    }

    /// Remembers an answer.
    pub(super) fn remember(&self, asked: String, answer: V) {
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(asked, (answer, Instant::now()));
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<String, (V, Instant)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_its_time_and_is_that_of_what_was_asked() {
        let (long, short) = (Recent::holding(Duration::from_secs(3_600)), Recent::holding(Duration::ZERO));
        for recent in [&long, &short] {
            recent.remember("a".to_owned(), 1);
            recent.remember("b".to_owned(), 2);
        }
        assert_eq!((long.answer("a"), long.answer("b"), long.answer("c")), (Some(1), Some(2), None));
        assert_eq!(short.answer("a"), None);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let recent = Recent::holding(Duration::from_secs(3_600));
        for n in 0..=MOST {
            recent.remember(n.to_string(), n);
        }
        assert_eq!((recent.answer("0"), recent.answer(&MOST.to_string())), (None, Some(MOST)));
        assert!(recent.answers().len() <= MOST);
    }
}
