//! What a setting's text may be, and what it becomes.

/// Why a text is not taken: a sentence beyond what the setting takes, or nothing more to say.
pub(crate) type Reason = Option<String>;

/// One kind of value. A value knows its own limits, so that the check, the message and the documentation agree.
pub(crate) trait Kind: Sync {
    /// What the text becomes.
    type Value;
    /// Whether the text must never be shown.
    const SECRET: bool = false;

    /// What it takes, for people: "a whole number from 1 to 200".
    fn takes(&self) -> String;

    /// Reads the text, which is not empty and has no white space around it.
    fn parse(&self, text: &str) -> Result<Self::Value, Reason>;

    /// The text as it may be shown.
    fn shown(&self, text: &str) -> String {
        if Self::SECRET { MASK.to_owned() } else { text.to_owned() }
    }
}

/// What stands for a secret.
pub(crate) const MASK: &str = "********";

/// A domain error's words as the reason.
pub(crate) fn because(error: impl std::fmt::Display) -> Reason {
    Some(error.to_string())
}
