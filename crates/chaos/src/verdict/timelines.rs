//! What people are shown of a message's history is complete and in order.

use serde_json::Value;

use super::Check;
use crate::evidence::{Evidence, Step};
use crate::hours;
use crate::moment::Moment;

/// Around a jump of the clock the servers read it at slightly different moments, in microseconds.
const JUMP: i64 = 100_000;

/// Compares timelines, as `GET` shows them, with the database's own log of steps.
pub fn check(evidence: &Evidence) -> Check {
    let mut check = Check::new("timelines are complete and in order, and every step is a legal one");
    for (id, steps) in &evidence.steps {
        for step in steps {
            check.look(is_legal(step), || {
                format!("{id} went from {:?} {:?} to {}", step.from, step.from_kind, step.to)
            });
        }
    }
    for (id, shown) in &evidence.timelines {
        let steps = evidence.steps.get(id).map_or(&[][..], Vec::as_slice);
        let wrong = wrong(evidence, shown, steps);
        check.look(wrong.is_none(), || format!("{id}: {}", wrong.unwrap_or_default()));
    }
    check
}

fn wrong(evidence: &Evidence, shown: &Value, steps: &[Step]) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Some(lines) = shown["timeline"].as_array() else { return Some(format!("no timeline, but {shown}")) };
    let mut before = Value::Null;
    let mut last_at = i64::MIN;
    for line in lines {
        if line["from"] != before {
            return Some(format!("a line begins at {} after {before}", line["from"]));
        }
        before = line["to"].clone();
        let Some(at) = hours::parse(&text(&line["at"])) else { return Some(format!("no time in {line}")) };
        if at < last_at && !near_jump(evidence, steps) {
            return Some(format!(
                "{} at {} comes after a later line: {}",
                line["kind"],
                line["at"],
                times(lines)
            ));
        }
        last_at = at;
    }
    if before != shown["outboundMessage"]["status"] {
        return Some(format!(
            "the timeline ends at {before}, the message is {}",
            shown["outboundMessage"]["status"]
        ));
    }
    let told: Vec<String> =
        lines.iter().filter(|line| line["kind"] != "IGNORED").map(|line| text(&line["to"])).collect();
    let happened = path(steps);
    (told != happened).then(|| format!("told {told:?}, happened {happened:?}"))
}

fn times(lines: &[Value]) -> String {
    let one = |line: &Value| format!("{} {}", line["kind"].as_str().unwrap_or_default(), line["at"]);
    lines.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The statuses that a message went through. A pulled message, and one that an opt-out stops, pass LEASED within one
/// step, which the timeline tells as two.
fn path(steps: &[Step]) -> Vec<String> {
    let mut path = Vec::new();
    for step in steps {
        let waited = matches!(step.from.as_deref(), Some("QUEUED"))
            || (step.from.as_deref() == Some("FAILED") && step.from_kind.as_deref() == Some("RETRY"));
        if waited && matches!(step.to.as_str(), "DISPATCHED" | "SKIPPED") {
            path.push("LEASED".to_owned());
        }
        // A heartbeat moves the deadline alone.
        if !(step.from.as_deref() == Some("DISPATCHED") && step.to == "DISPATCHED") {
            path.push(step.to.clone());
        }
    }
    path
}

fn near_jump(evidence: &Evidence, steps: &[Step]) -> bool {
    let near = |jump: Moment| steps.iter().any(|step| (step.at.0 - jump.0).abs() < JUMP);
    evidence.clock.jumps().any(near)
}

fn is_legal(step: &Step) -> bool {
    let Some(from) = step.from.as_deref() else { return matches!(step.to.as_str(), "QUEUED" | "SKIPPED") };
    let retry = step.from_kind.as_deref() == Some("RETRY");
    let held = step.from_kind.as_deref() == Some("HELD");
    match (from, step.to.as_str()) {
        ("QUEUED", "LEASED" | "DISPATCHED" | "SKIPPED" | "CANCELLED" | "SENT")
        | ("LEASED", "DISPATCHED" | "QUEUED" | "FAILED" | "SENT" | "SKIPPED")
        | ("DISPATCHED", "SENT" | "FAILED" | "SKIPPED" | "DISPATCHED")
        | ("FAILED", "SENT" | "CANCELLED" | "QUEUED")
        | ("SKIPPED" | "CANCELLED", "QUEUED" | "SENT") => true,
        ("FAILED", "LEASED" | "DISPATCHED") => retry,
        ("FAILED", "SKIPPED") => retry || held,
        ("FAILED", "FAILED") => held,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Case, EIGHT};
    use super::*;
    use crate::moment::SECOND;
    use serde_json::json;

    fn line(second: i64, kind: &str, from: Option<&str>, to: &str) -> Value {
        json!({"at": hours::rfc3339(EIGHT + second * SECOND), "kind": kind, "from": from, "to": to})
    }

    fn found(lines: Vec<Value>, status: &str) -> usize {
        found_in(json!({"outboundMessage": {"status": status}, "timeline": lines}))
    }

    fn found_in(shown: Value) -> usize {
        let mut case = Case::new();
        case.step("m", 0, "s1.1", None, "QUEUED", None, 1);
        case.step("m", 1, "s1.1", Some("QUEUED"), "DISPATCHED", Some("l1"), 1);
        case.step("m", 2, "s1.1", Some("DISPATCHED"), "SENT", None, 1);
        case.evidence.timelines.insert("m".to_owned(), shown);
        check(&case.evidence).violations.len()
    }

    fn right() -> Vec<Value> {
        vec![
            line(0, "CREATED", None, "QUEUED"),
            line(1, "LEASED", Some("QUEUED"), "LEASED"),
            line(1, "DISPATCHED", Some("LEASED"), "DISPATCHED"),
            line(2, "SETTLED", Some("DISPATCHED"), "SENT"),
        ]
    }

    #[test]
    fn a_missing_a_misplaced_and_a_wrong_last_line_are_found() {
        assert_eq!(found(right(), "SENT"), 0);
        assert_eq!(found(right(), "FAILED"), 1);
        let mut missing = right();
        missing.remove(2);
        assert_eq!(found(missing, "SENT"), 1);
        let mut early = right();
        early[3] = line(0, "SETTLED", Some("DISPATCHED"), "SENT");
        assert_eq!(found(early, "SENT"), 1);
        // It hangs together, but leaves out that it was ever leased.
        let short = vec![line(0, "CREATED", None, "QUEUED"), line(2, "SETTLED", Some("QUEUED"), "SENT")];
        assert_eq!(found(short, "SENT"), 1);
    }

    #[test]
    fn a_timeline_that_is_not_shown_is_found() {
        assert_eq!(found_in(Value::Null), 1, "no answer");
        assert_eq!(found_in(json!({"error": {"code": "NOT_FOUND"}})), 1);
        assert_eq!(found(Vec::new(), "SENT"), 1);
    }

    #[test]
    fn an_illegal_step_is_found() {
        let mut case = Case::new();
        case.step("m", 0, "s1.1", Some("SENT"), "QUEUED", None, 1);
        case.step("m", 0, "s1.1", Some("CANCELLED"), "LEASED", Some("l1"), 1);
        case.step("m", 0, "s1.1", Some("FAILED"), "LEASED", Some("l1"), 1);
        assert_eq!(check(&case.evidence).violations.len(), 3);
    }
}
