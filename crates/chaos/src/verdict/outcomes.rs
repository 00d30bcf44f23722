//! What became of a message is what N8N said.

use std::collections::{BTreeMap, HashMap};

use super::Check;
use crate::evidence::{Evidence, Step};
use crate::moment::Moment;
use crate::n8n::log::{Reply, Word};

/// When N8N first said each thing about one message.
#[derive(Debug, Default)]
struct Spoken {
    sent: Option<Moment>,
    failed: Option<Moment>,
    skipped: Option<Moment>,
}

impl Spoken {
    fn note(&mut self, word: Word, at: Moment) {
        let first = match word {
            Word::Sent => &mut self.sent,
            Word::Failed { .. } => &mut self.failed,
            Word::Skipped => &mut self.skipped,
        };
        *first = Some(first.map_or(at, |first| first.min(at)));
    }
}

/// SENT only by N8N's word, always by N8N's word, and for good.
pub fn check(evidence: &Evidence, facts: &mut BTreeMap<&'static str, usize>) -> Check {
    let mut check =
        Check::new("SENT, FAILED and SKIPPED only where N8N said so; SENT wherever N8N said so, for good");
    let spoken = spoken(evidence);
    for (id, steps) in &evidence.steps {
        let said = spoken.get(id.as_str());
        for step in steps {
            let wrong = unfounded(step, said);
            check.look(wrong.is_none(), || format!("{id}: {}", wrong.unwrap_or_default()));
        }
    }
    for said in &evidence.truth.said {
        let Some(answer) = &said.answer else { continue };
        let id = said.message.as_str();
        check.look(answer.status == 200 && answer.error.is_none(), || {
            format!("{id}: N8N's {} was answered {} {:?}", said.word.text(), answer.status, answer.error)
        });
        if said.word == Word::Sent && answer.status == 200 {
            let status = evidence.messages.get(id).map_or("gone", |row| row.status.as_str());
            check.look(status == "SENT", || format!("{id} is {status}, and N8N's SENT was answered 200"));
        }
    }
    for (id, row) in evidence.messages.iter().filter(|(_, row)| row.status == "SENT") {
        check.look(row.provider.is_some(), || format!("{id} is SENT without the provider's id"));
    }
    let again =
        evidence.truth.said.iter().filter(|said| said.answer.as_ref().is_some_and(|answer| !answer.applied));
    facts.insert(
        "callbacks that were answered",
        evidence.truth.said.iter().filter(|s| s.answer.is_some()).count(),
    );
    facts.insert("callbacks that changed nothing (repeats, late, overruled)", again.count());
    check
}

fn spoken(evidence: &Evidence) -> HashMap<&str, Spoken> {
    let mut spoken: HashMap<&str, Spoken> = HashMap::new();
    for said in &evidence.truth.said {
        if let Some(at) = said.first_try {
            spoken.entry(&said.message).or_default().note(said.word, at);
        }
    }
    for hand_off in &evidence.truth.hand_offs {
        let word = match hand_off.reply {
            Reply::Settled(word) => word,
            Reply::Refused(_) => Word::Failed { permanent: false },
            Reply::Accepted | Reply::NotAccepted(_) | Reply::GatewayTimeout | Reply::Hung | Reply::Closed => {
                continue;
            }
        };
        spoken.entry(&hand_off.message).or_default().note(word, hand_off.at);
    }
    spoken
}

/// What is wrong with a step that claims to know an outcome.
fn unfounded(step: &Step, said: Option<&Spoken>) -> Option<String> {
    let before = |at: Option<Moment>| at.is_some_and(|at| at <= step.at);
    let from = step.from.as_deref().unwrap_or_default();
    if from == "SENT" {
        return Some(format!("left SENT for {} by {}", step.to, step.process));
    }
    let in_flight = matches!(from, "LEASED" | "DISPATCHED") || step.from_kind.as_deref() == Some("HELD");
    let founded = match (step.to.as_str(), step.to_kind.as_deref()) {
        ("SENT", _) => before(said.and_then(|said| said.sent)),
        ("SKIPPED", _) if in_flight => before(said.and_then(|said| said.skipped)),
        ("FAILED", Some("DEAD")) => before(said.and_then(|said| said.failed)),
        // From LEASED it may also be a release or a lost lease, back to the retry that it was.
        ("FAILED", Some("RETRY")) if from == "DISPATCHED" || step.from_kind.as_deref() == Some("HELD") => {
            before(said.and_then(|said| said.failed))
        }
        _ => true,
    };
    (!founded).then(|| format!("became {} {:?} without N8N's word", step.to, step.to_kind))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    fn found(case: &Case) -> usize {
        check(&case.evidence, &mut BTreeMap::new()).violations.len()
    }

    fn sent_at(second: i64) -> Case {
        let mut case = Case::new();
        case.message("m", "SENT");
        case.evidence.messages.get_mut("m").unwrap().provider = Some("p".to_owned());
        case.step("m", 10, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
        case.step("m", second, "s1.1", Some("LEASED"), "SENT", None, 1);
        case
    }

    #[test]
    fn sent_needs_ns_word_before_it() {
        let mut case = sent_at(12);
        assert_eq!(found(&case), 1);
        case.said("m", "l1", 1, Word::Sent, 11, Some(true));
        assert_eq!(found(&case), 0);
        let mut late = sent_at(12);
        late.said("m", "l1", 1, Word::Sent, 13, Some(true));
        assert_eq!(found(&late), 1);
        let mut answered = sent_at(12);
        answered.hand_off("m", 11, "l1", 1, Reply::Settled(Word::Sent));
        assert_eq!(found(&answered), 0);
    }

    #[test]
    fn sent_is_never_left_and_never_denied() {
        let mut case = sent_at(12);
        case.said("m", "l1", 1, Word::Sent, 11, Some(true));
        case.step("m", 14, "s1.1", Some("SENT"), "QUEUED", None, 1);
        assert_eq!(found(&case), 1);
        let mut denied = sent_at(12);
        denied.message("m", "FAILED");
        denied.said("m", "l1", 1, Word::Sent, 11, Some(true));
        assert_eq!(found(&denied), 1);
    }

    #[test]
    fn a_refused_callback_and_a_made_up_failure_are_found() {
        let mut case = sent_at(12);
        case.said("m", "l1", 1, Word::Sent, 11, Some(true));
        case.evidence.truth.said[0].answer.as_mut().unwrap().status = 409;
        assert_eq!(found(&case), 1);
        let mut case = Case::new();
        case.step("m", 12, "s1.1", Some("DISPATCHED"), "FAILED", None, 1);
        case.evidence.steps.get_mut("m").unwrap()[0].to_kind = Some("RETRY".to_owned());
        assert_eq!(found(&case), 1);
    }
}
