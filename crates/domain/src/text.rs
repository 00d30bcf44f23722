//! The one Unicode form of all texts.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The text in Unicode's composed form (NFC): the one in which texts are stored, compared, measured and sent.
#[must_use]
pub fn nfc(text: &str) -> String {
    // Mostly it is, and the look costs a tenth.
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_typed_in_two_ways_is_one_text() {
        assert_eq!(nfc("Tie\u{302}\u{301}ng Vie\u{323}\u{302}t"), "Ti\u{1ebf}ng Vi\u{1ec7}t");
        assert_eq!(nfc("e\u{323}\u{302}"), nfc("e\u{302}\u{323}"));
    }
}
