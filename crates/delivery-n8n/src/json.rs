//! JSON as JavaScript writes it.

use serde_json::Value;

/// Reads JSON. A text that JavaScript cut in the middle of an emoji ends in half a character, which
/// `JSON.stringify` writes as a lone `\ud83d` and strict readers refuse; it becomes U+FFFD here.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| match without_lone_surrogates(bytes) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    })
}

/// The bytes with lone surrogates replaced, or nothing when there is none.
fn without_lone_surrogates(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(offset) = bytes.get(at..)?.iter().position(|byte| *byte == b'\\') {
        at += offset;
        at += match (escaped(bytes, at), escaped(bytes, at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                let copy = mended.get_or_insert_with(|| bytes.to_vec());
                copy.get_mut(at..at + 6)?.copy_from_slice(br"\ufffd");
                6
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        if at >= bytes.len() {
            break;
        }
    }
    mended
}

/// The code of the escape `\uXXXX` that begins here.
fn escaped(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn half_an_emoji_does_not_cost_the_callback() {
        let text = r#"{"error":"xin ch\u00e0o \ud83d","ok":"\ud83d\ude00","other":"\ude00x"}"#;
        let expected = json!({"error": "xin chào \u{fffd}", "ok": "😀", "other": "\u{fffd}x"});
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn an_escaped_backslash_is_no_escape() {
        assert_eq!(parse(br#"["\\ud83d", "\ud83d"]"#).unwrap(), json!(["\\ud83d", "\u{fffd}"]));
    }

    #[test]
    fn what_is_no_json_stays_refused() {
        for text in [r#"{"a": "\ud83d"#, r"\ud83d", r"\", r#"["\ud8"#, ""] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(bytes: Vec<u8>, escapes in r#"(\\u[dD][89a-fA-F][0-9]{2}|\\|"|\\n|x){0,20}"#) {
            let _ = parse(&bytes);
            let _ = parse(escapes.as_bytes());
            let _ = parse(format!("\"{escapes}\"").as_bytes());
        }
    }
}
