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
