//! What the simulator makes of a message.

use domain::message::Message;

/// What becomes of a simulated message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Called back SENT.
    Sent,
    /// Called back FAILED, to be retried.
    Failed,
    /// Called back FAILED and permanent.
    FailedForGood,
    /// Called back SKIPPED.
    Skipped,
    /// Called back SENT, late.
    Slow,
    /// Never called back.
    Never,
    /// Called back SENT, twice.
    Twice,
    /// Not accepted at the hand-off, as by a 503.
    NotAccepted,
}

/// The endings, by the last four characters of `to`, or of leadId or studentId where there is no `to`. Every other
/// recipient is [`Ending::Sent`].
pub const ENDINGS: [(&str, Ending); 7] = [
    ("0001", Ending::Failed),
    ("0002", Ending::FailedForGood),
    ("0003", Ending::Skipped),
    ("0004", Ending::Slow),
    ("0005", Ending::Never),
    ("0006", Ending::Twice),
    ("0007", Ending::NotAccepted),
];

impl Ending {
    /// The ending that the message's recipient asks for.
    pub fn of(message: &Message) -> Self {
        let content = &message.content;
        let to = content.to.as_ref().map(|to| to.as_str());
        let lead = content.lead_id.as_ref().map(|id| id.as_str());
        let student = content.student_id.as_ref().map(|id| id.as_str());
        Self::of_recipient(to.or(lead).or(student).unwrap_or_default())
    }

    fn of_recipient(recipient: &str) -> Self {
        ENDINGS
            .iter()
            .find(|(digits, _)| recipient.ends_with(digits))
            .map_or(Self::Sent, |(_, ending)| *ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_digits_choose_the_ending() {
        for (digits, ending) in ENDINGS {
            assert_eq!(Ending::of_recipient(&format!("+8490123{digits}")), ending);
        }
        assert_eq!(Ending::of_recipient("+84901234567"), Ending::Sent);
        assert_eq!(Ending::of_recipient(""), Ending::Sent);
    }
}
