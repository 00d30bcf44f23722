//! What a run found, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::drain::Drained;
use crate::verdict::Check;

/// How many violations of one promise are shown.
const SHOWN: usize = 8;

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How long faults were injected.
    pub time: Duration,
    /// Faults by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Faults that could not be injected.
    pub failed_faults: Vec<String>,
    /// Other numbers by name.
    pub facts: BTreeMap<String, u64>,
    /// Messages by their state at the end.
    pub states: BTreeMap<String, usize>,
    /// The promises.
    pub checks: Vec<Check>,
    /// How the end went.
    pub drained: Drained,
}

impl Report {
    /// How often promises were not kept.
    pub fn violations(&self) -> usize {
        self.checks.iter().map(|check| check.violations.len()).sum()
    }

    /// Whether every promise was kept, and there was something to keep.
    pub fn passed(&self) -> bool {
        self.violations() == 0 && self.states.values().sum::<usize>() > 0 && !self.faults.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "chaos: seed {}, {} s of faults, drained in {} s ({})",
            self.seed,
            self.time.as_secs(),
            self.drained.took.as_secs(),
            self.drained.left
        )?;
        writeln!(f, "\n{:>8}  faults injected", "times")?;
        for (name, times) in &self.faults {
            writeln!(f, "{times:>8}  {name}")?;
        }
        for failed in &self.failed_faults {
            writeln!(f, "          (came to nothing: {failed})")?;
        }
        writeln!(f, "\n{:>8}  seen", "number")?;
        for (name, number) in &self.facts {
            writeln!(f, "{number:>8}  {name}")?;
        }
        writeln!(f, "\n{:>8}  messages at the end", "number")?;
        for (state, number) in &self.states {
            writeln!(f, "{number:>8}  {state}")?;
        }
        writeln!(f, "\n{:>8}  {:>8}  promise", "broken", "checked")?;
        for check in &self.checks {
            writeln!(f, "{:>8}  {:>8}  {}", check.violations.len(), check.looked_at, check.promise)?;
        }
        for check in self.checks.iter().filter(|check| !check.violations.is_empty()) {
            writeln!(f, "\nBROKEN: {}", check.promise)?;
            for violation in check.violations.iter().take(SHOWN) {
                writeln!(f, "  - {violation}")?;
            }
            if let Some(more) = check.violations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                writeln!(f, "  .. and {more} more")?;
            }
        }
        let word = if self.passed() { "passed" } else { "FAILED" };
        write!(f, "\n{word}: {} violations, seed {}", self.violations(), self.seed)
    }
}
