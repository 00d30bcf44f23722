//! Texts that people write, other than messages: titles, names, notes.

use domain::text::nfc;

use crate::fields::Fields;

/// The longest title or name, in characters.
pub(crate) const MAX_LINE: usize = 200;
/// The longest note or error, in characters.
pub(crate) const MAX_NOTE: usize = 2_000;

/// One line of text, where there is any; blank is none.
pub(crate) fn line(fields: &mut Fields, path: &str, text: Option<&str>) -> Option<String> {
    checked(fields, path, text, MAX_LINE, |_| false)
}

/// A text of several lines, where there is any; blank is none.
pub(crate) fn note(fields: &mut Fields, path: &str, text: Option<&str>) -> Option<String> {
    checked(fields, path, text, MAX_NOTE, |c| matches!(c, '\n' | '\r' | '\t'))
}

fn checked(
    fields: &mut Fields,
    path: &str,
    text: Option<&str>,
    max: usize,
    allowed: impl Fn(char) -> bool,
) -> Option<String> {
    let text = nfc(text.map(str::trim).filter(|text| !text.is_empty())?);
    if text.chars().count() > max {
        fields.wrong(path, format!("must have at most {max} characters"));
        return None;
    }
    if text.chars().any(|c| c.is_control() && !allowed(c)) {
        fields.wrong(path, "must not contain control characters");
        return None;
    }
    Some(text)
}

/// What a machine reports, made storable: cut to [`MAX_NOTE`], without control characters but line breaks and tabs.
pub(crate) fn report(text: &str) -> Option<String> {
    let kept = text.trim().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    let kept = nfc(&kept.collect::<String>()).chars().take(MAX_NOTE).collect::<String>();
    (!kept.is_empty()).then_some(kept)
}
