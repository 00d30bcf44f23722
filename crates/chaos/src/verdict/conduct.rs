//! Servers answer clearly, stop when told, and end only then.

use super::Check;
use crate::evidence::Evidence;

/// Collects what servers did that they must not.
pub fn check(evidence: &Evidence) -> Check {
    let mut check = Check::new("servers never answer 500, panic or end by themselves, and stop when told");
    let seen = evidence.notes.misbehaviour.iter().chain(&evidence.truth.odd).chain(&evidence.log_lines);
    check.violations = seen.cloned().collect();
    let started = evidence.notes.counts.get("server processes started").copied().unwrap_or(0);
    check.looked_at = usize::try_from(started).unwrap_or(usize::MAX).max(check.violations.len());
    check
}
