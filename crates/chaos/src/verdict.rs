//! Compares what happened with what was promised.

pub mod conduct;
pub mod counters;
pub mod creates;
pub mod disturbance;
pub mod history;
pub mod limits;
pub mod opt_outs;
pub mod outcomes;
pub mod quiet;
pub mod repeats;
pub mod timelines;

#[cfg(test)]
mod fixture;

use std::collections::BTreeMap;

use crate::evidence::Evidence;

/// One promise, and where it was not kept.
#[derive(Debug, Clone)]
pub struct Check {
    /// What is promised.
    pub promise: &'static str,
    /// How many things were looked at.
    pub looked_at: usize,
    /// Each case in which it was not kept.
    pub violations: Vec<String>,
}

impl Check {
    fn new(promise: &'static str) -> Self {
        Self { promise, looked_at: 0, violations: Vec::new() }
    }

    /// One more thing is looked at, and is as it must be or not.
    fn look(&mut self, right: bool, otherwise: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !right {
            self.violations.push(otherwise());
        }
    }
}

/// All promises, and numbers that are worth knowing.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The promises.
    pub checks: Vec<Check>,
    /// Numbers by name.
    pub facts: BTreeMap<&'static str, usize>,
}

/// Looks at everything.
pub fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.checks.push(creates::nothing_lost(evidence));
    verdict.checks.push(creates::once_by_key(evidence));
    verdict.checks.extend(repeats::check(evidence, &mut verdict.facts));
    verdict.checks.push(history::check(evidence, &mut verdict.facts));
    verdict.checks.push(outcomes::check(evidence, &mut verdict.facts));
    verdict.checks.push(limits::check(evidence, &mut verdict.facts));
    verdict.checks.push(quiet::check(evidence, &mut verdict.facts));
    verdict.checks.push(timelines::check(evidence));
    verdict.checks.push(counters::check(evidence));
    verdict.checks.push(opt_outs::check(evidence));
    verdict.checks.push(conduct::check(evidence));
    verdict
}
