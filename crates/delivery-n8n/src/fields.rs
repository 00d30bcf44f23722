//! The fields of a callback, as people write them in N8N.
//!
//! N8N workflows fill fields by expressions: an empty one gives `null` or an empty text, a number comes as text and
//! text as a number, words in any letter case. All of that is read; what can't be understood is refused by name.

use chrono::{DateTime, Utc};
use domain::ids::LeaseId;
use domain::message::Outcome;
use serde_json::{Map, Value};

/// The longest provider id, in characters.
pub(crate) const MAX_PROVIDER_ID: usize = 200;
/// The longest error or reason that is kept, in characters.
pub(crate) const MAX_ERROR: usize = 2_000;

pub(crate) type Object = Map<String, Value>;

/// A field that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadField {
    pub(crate) field: &'static str,
    pub(crate) reason: String,
}

impl BadField {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// What N8N says became of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Sent,
    Failed,
    Skipped,
}

/// The value of a field; `null` and blank text count as absent.
pub(crate) fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .filter(|value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty()))
}

pub(crate) fn word(object: &Object) -> Result<Word, BadField> {
    let bad = |reason: &str| BadField::new("status", reason);
    let value = present(object, "status").ok_or_else(|| bad("is missing"))?;
    let word = value.as_str().map(str::trim);
    let is = |wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    match () {
        () if is("SENT") => Ok(Word::Sent),
        () if is("FAILED") => Ok(Word::Failed),
        () if is("SKIPPED") => Ok(Word::Skipped),
        () => Err(bad("must be SENT, FAILED or SKIPPED")),
    }
}

/// The outcome; every field that its status has a use for must be readable.
pub(crate) fn outcome(object: &Object) -> Result<Outcome, BadField> {
    Ok(match word(object)? {
        Word::Sent => {
            Outcome::Sent { provider_message_id: provider_message_id(object)?, sent_at: sent_at(object)? }
        }
        Word::Failed => failed(object, permanent(object)?),
        Word::Skipped => skipped(object),
    })
}

pub(crate) fn failed(object: &Object, permanent: bool) -> Outcome {
    let error = error(object).unwrap_or_else(|| "failed (no reason given)".to_owned());
    Outcome::Failed { error, permanent }
}

pub(crate) fn skipped(object: &Object) -> Outcome {
    Outcome::Skipped { reason: error(object).unwrap_or_else(|| "skipped (no reason given)".to_owned()) }
}

/// Text, or a whole number (Zalo's ids are numbers).
pub(crate) fn provider_message_id(object: &Object) -> Result<Option<String>, BadField> {
    let bad = |reason: String| BadField::new("providerMessageId", reason);
    let Some(value) = present(object, "providerMessageId") else { return Ok(None) };
    let id = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(bad("must be text or a whole number".to_owned()));
        }
    };
    if id.chars().any(char::is_control) {
        return Err(bad("must not contain control characters".to_owned()));
    }
    if id.chars().count() > MAX_PROVIDER_ID {
        return Err(bad(format!("must have at most {MAX_PROVIDER_ID} characters")));
    }
    Ok(Some(id))
}

pub(crate) fn sent_at(object: &Object) -> Result<Option<DateTime<Utc>>, BadField> {
    let Some(value) = present(object, "sentAt") else { return Ok(None) };
    let time = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok());
    let time = time.ok_or_else(|| BadField::new("sentAt", "must be a time such as 2026-11-20T08:00:00Z"))?;
    Ok(Some(time.with_timezone(&Utc)))
}

pub(crate) fn permanent(object: &Object) -> Result<bool, BadField> {
    match present(object, "permanent") {
        None => Ok(false),
        Some(Value::Bool(permanent)) => Ok(*permanent),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(BadField::new("permanent", "must be true or false")),
    }
}

pub(crate) fn attempt(object: &Object) -> Result<Option<u32>, BadField> {
    let Some(value) = present(object, "attempt") else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let attempt = number.and_then(|number| u32::try_from(number).ok()).filter(|attempt| *attempt > 0);
    attempt.map(Some).ok_or_else(|| BadField::new("attempt", "must be a whole number from 1"))
}

pub(crate) fn lease(object: &Object) -> Result<Option<LeaseId>, BadField> {
    let Some(value) = present(object, "leaseId") else { return Ok(None) };
    let lease = value.as_str().and_then(|text| text.trim().parse().ok());
    lease.map(Some).ok_or_else(|| BadField::new("leaseId", "must be the leaseId of the hand-off"))
}

/// Why it failed or was skipped. Never a reason to refuse a callback: whatever it is becomes text, cleaned and cut.
fn error(object: &Object) -> Option<String> {
    let text = match present(object, "error")? {
        Value::String(text) => clean(text, MAX_ERROR),
        Value::Object(error) => match present(error, "message") {
            Some(Value::String(message)) => clean(message, MAX_ERROR),
            Some(_) | None => clean(&Value::Object(error.clone()).to_string(), MAX_ERROR),
        },
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            clean(&other.to_string(), MAX_ERROR)
        }
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The text without control characters but the newline, trimmed, at most so many characters.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let tabs_as_spaces = text.chars().map(|c| if c == '\t' { ' ' } else { c });
    let kept: String = tabs_as_spaces.filter(|c| *c == '\n' || !c.is_control()).collect();
    kept.trim().chars().take(most).collect()
}
