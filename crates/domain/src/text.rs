//! The one Unicode form of all texts.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The text in Unicode's composed form (NFC): the one in which texts are stored, compared, measured and sent.
#[must_use]
pub fn nfc(text: &str) -> String {
    // Mostly it is, and the look costs a tenth.
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

/// Whether there is anything to see: something other than white space and zero-width characters.
pub fn shows(text: &str) -> bool {
    let unseen =
        |c: char| c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}');
    !text.chars().all(unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_white_or_has_no_width_shows_nothing() {
        for blank in ["", " \n\t", "\u{a0}", "\u{200b}\u{feff}", "\u{200e} \u{2060}"] {
            assert!(!shows(blank), "{blank:?}");
        }
        for text in ["a", " . ", "\u{200b}ừ"] {
            assert!(shows(text), "{text:?}");
        }
    }

    #[test]
    fn the_same_word_typed_in_two_ways_is_one_text() {
        assert_eq!(nfc("Tie\u{302}\u{301}ng Vie\u{323}\u{302}t"), "Ti\u{1ebf}ng Vi\u{1ec7}t");
        assert_eq!(nfc("e\u{323}\u{302}"), nfc("e\u{302}\u{323}"));
    }
}
