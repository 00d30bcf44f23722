//! Whoever has opted out is left alone.

use std::time::Duration;

use super::Check;
use crate::evidence::Evidence;

/// A lease looks for opt-outs a moment before it takes its messages.
const AT_ONCE: Duration = Duration::from_millis(250);

/// Looks for leases of a lead's messages after its opt-out was taken.
pub fn check(evidence: &Evidence) -> Check {
    let mut check = Check::new("nothing is leased for a recipient after the opt-out was taken");
    for opt_out in &evidence.notes.opt_outs {
        let theirs = evidence.messages.iter().filter(|(_, row)| {
            row.lead.as_deref() == Some(opt_out.lead.as_str()) && row.channel == opt_out.channel
        });
        for (id, _) in theirs {
            let steps = evidence.steps.get(id).map_or(&[][..], Vec::as_slice);
            let after =
                steps.iter().find(|step| step.is_lease() && step.at > opt_out.acknowledged.plus(AT_ONCE));
            check.look(after.is_none(), || {
                format!("{id} was leased after {} had opted out of {}", opt_out.lead, opt_out.channel)
            });
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Case, at};
    use super::*;
    use crate::journal::OptOut;

    #[test]
    fn a_lease_after_an_opt_out_is_found() {
        let mut case = Case::new();
        case.message("m", "SENT");
        let row = case.evidence.messages.get_mut("m").unwrap();
        (row.lead, row.channel) = (Some("lead".to_owned()), "SMS".to_owned());
        case.step("m", 10, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
        for (second, found) in [(11, 0), (9, 1)] {
            let (lead, channel) = ("lead".to_owned(), "SMS".to_owned());
            case.evidence.notes.opt_outs = vec![OptOut { lead, channel, acknowledged: at(second) }];
            assert_eq!(check(&case.evidence).violations.len(), found);
        }
    }
}
