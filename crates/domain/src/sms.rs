//! How long a text is as an SMS (contract §9, preview): its encoding and its parts.
//!
//! A text goes out in GSM 03.38's 7-bit alphabet when all its characters are in there, otherwise in UCS-2, as one
//! Vietnamese letter with a diacritic is enough to force. Everything is measured on the NFC form.
//!
//! ```
//! use domain::sms::{SmsEncoding, SmsMeter};
//!
//! let size = SmsMeter::measure(&"Lớp học bắt đầu lúc 18:00. ".repeat(3));
//! assert_eq!((size.encoding, size.parts, size.parts_without_diacritics), (SmsEncoding::Ucs2, 2, 1));
//! assert_eq!(size.unicode_causes, ['ớ', 'ọ', 'ắ', 'đ', 'ầ', 'ú']);
//! ```

use std::collections::HashSet;

use unicode_normalization::char::decompose_canonical;

use crate::text::nfc;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// The alphabet of an SMS.
    pub enum SmsEncoding {
        /// GSM 03.38, 7 bits: 160 septets in one SMS, 153 in each part of several.
        Gsm7 = "GSM7",
        /// UCS-2 (UTF-16), 16 bits: 70 units in one SMS, 67 in each part of several.
        Ucs2 = "UCS2",
    }
}

impl SmsEncoding {
    /// Units in an SMS that goes out whole, and in each part of one that does not.
    #[must_use]
    pub const fn capacity(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// What a text amounts to as an SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsSize {
    /// The alphabet that it needs.
    pub encoding: SmsEncoding,
    /// Its length in characters (Unicode code points of the NFC form).
    pub characters: usize,
    /// Its length in the encoding: septets, where a character of the extension table (`€[]{}\^~|`) counts two, or
    /// UTF-16 units, where one beyond the basic plane (an emoji) does.
    pub units: usize,
    /// In how many SMS it goes out; 0 when it is empty. No character is split over two.
    pub parts: usize,
    /// The characters that force UCS-2, in order of first use, each once.
    pub unicode_causes: Vec<char>,
    /// In how many SMS it would go out after [`strip_diacritics`].
    pub parts_without_diacritics: usize,
}

/// Measures texts as SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsMeter;

impl SmsMeter {
    /// What the text amounts to as an SMS.
    #[must_use]
    pub fn measure(text: &str) -> SmsSize {
        let text = nfc(text);
        let mut seen = HashSet::new();
        let unicode_causes = text.chars().filter(|c| septets(*c).is_none() && seen.insert(*c)).collect();
        let (encoding, units, parts) = size(&text);
        let (_, _, parts_without_diacritics) = size(&strip_diacritics(&text));
        SmsSize {
            encoding,
            characters: text.chars().count(),
            units,
            parts,
            unicode_causes,
            parts_without_diacritics,
        }
    }
}

/// The text without Latin diacritics, as Vietnamese is written where only ASCII fits: `Đường` becomes `Duong`.
/// Typographic quotes, dashes, dots and spaces become ASCII too. Other scripts stay as they are.
#[must_use]
pub fn strip_diacritics(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    // Not in the canonical order, which the marks that stay get below.
    let mut strip = |c| match c {
        '\u{300}'..='\u{36F}' => {}
        'đ' => stripped.push('d'),
        'Đ' => stripped.push('D'),
        '“' | '”' | '„' | '«' | '»' => stripped.push('"'),
        '‘' | '’' | '‚' => stripped.push('\''),
        '–' | '—' | '‐' | '‑' | '−' => stripped.push('-'),
        '…' => stripped.push_str("..."),
        '\u{a0}' | '\u{202f}' | '\u{2009}' => stripped.push(' '),
        c => stripped.push(c),
    };
    for c in text.chars() {
        if c.is_ascii() { strip(c) } else { decompose_canonical(c, &mut strip) }
    }
    nfc(&stripped)
}

/// Encoding, units and parts of an NFC text.
fn size(text: &str) -> (SmsEncoding, usize, usize) {
    let gsm7 = text.chars().all(|c| septets(c).is_some());
    let encoding = if gsm7 { SmsEncoding::Gsm7 } else { SmsEncoding::Ucs2 };
    let lengths = text.chars().map(|c| match encoding {
        SmsEncoding::Gsm7 => septets(c).unwrap_or(1),
        SmsEncoding::Ucs2 => c.len_utf16(),
    });
    let (whole, part) = encoding.capacity();
    let units = lengths.clone().sum();
    let parts = if units <= whole {
        usize::from(units > 0)
    } else {
        let (full, _) = lengths.fold((0, part), |(parts, filled), length| {
            if filled + length > part { (parts + 1, length) } else { (parts, filled + length) }
        });
        full
    };
    (encoding, units, parts)
}

/// How many septets a character takes in GSM 03.38; `None` when it is not in there.
fn septets(c: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
    const EXTENSION: &str = "\u{c}^{}\\[~]|€";
    match c {
        // Nearly all that people write: to look for these in the list takes long.
        'a'..='z' | 'A'..='Z' | ' '..='#' | '%'..='?' | '\n' => Some(1),
        // Vietnamese letters, none of them in there.
        '\u{1ea0}'..='\u{1ef9}'
        | 'đ'
        | 'Đ'
        | 'á'
        | 'ã'
        | 'ă'
        | 'â'
        | 'ê'
        | 'í'
        | 'ó'
        | 'õ'
        | 'ô'
        | 'ơ'
        | 'ú'
        | 'ư' => None,
        c if BASIC.contains(c) => Some(1),
        c if EXTENSION.contains(c) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(text: &str) -> (SmsEncoding, usize, usize) {
        let size = SmsMeter::measure(text);
        (size.encoding, size.units, size.parts)
    }

    #[test]
    fn nothing_takes_no_sms() {
        assert_eq!(measured(""), (SmsEncoding::Gsm7, 0, 0));
    }

    #[test]
    fn plain_text_fits_160_whole_and_153_a_part() {
        for (length, parts) in [(1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(measured(&"a".repeat(length)), (SmsEncoding::Gsm7, length, parts));
        }
    }

    #[test]
    fn one_vietnamese_letter_makes_it_70_whole_and_67_a_part() {
        for (length, parts) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            let text = format!("ế{}", "a".repeat(length - 1));
            assert_eq!(measured(&text), (SmsEncoding::Ucs2, length, parts));
        }
    }

    #[test]
    fn the_gsm_alphabet_has_127_basic_and_10_extension_characters() {
        let count = |n| ('\0'..=char::MAX).filter(|c| septets(*c) == Some(n)).count();
        assert_eq!((count(1), count(2)), (127, 10));
        assert_eq!(measured("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¤¡ÄÖÑÜ§¿äöñüà").0, SmsEncoding::Gsm7);
        for c in ["`", "á", "ç", "đ", "“", "\t", "ê", "\0"] {
            assert_eq!(measured(c).0, SmsEncoding::Ucs2, "{c:?}");
        }
    }

    #[test]
    fn an_extension_character_counts_two_and_is_not_split() {
        assert_eq!(measured(&"€".repeat(80)), (SmsEncoding::Gsm7, 160, 1));
        assert_eq!(measured(&"€".repeat(81)), (SmsEncoding::Gsm7, 162, 2));
        // 306 septets would fit two parts of 153, were no pair to straddle the border.
        assert_eq!(measured(&"€".repeat(153)), (SmsEncoding::Gsm7, 306, 3));
        let straddling = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(measured(&straddling), (SmsEncoding::Gsm7, 306, 3));
    }

    #[test]
    fn an_emoji_counts_two_and_is_not_split() {
        assert_eq!(measured(&"😀".repeat(35)), (SmsEncoding::Ucs2, 70, 1));
        assert_eq!(measured(&"😀".repeat(36)), (SmsEncoding::Ucs2, 72, 2));
        assert_eq!(measured(&"😀".repeat(67)), (SmsEncoding::Ucs2, 134, 3));
        assert_eq!(SmsMeter::measure("a😀").characters, 2);
    }

    #[test]
    fn a_decomposed_text_measures_as_its_composed_form() {
        assert_eq!(SmsMeter::measure("Tie\u{302}\u{301}ng"), SmsMeter::measure("Ti\u{1ebf}ng"));
        assert_eq!(SmsMeter::measure("Tie\u{302}\u{301}ng").characters, 5);
        assert_eq!(measured("e\u{301}"), (SmsEncoding::Gsm7, 1, 1));
    }

    #[test]
    fn what_forces_unicode_is_named_in_order_and_once() {
        assert_eq!(SmsMeter::measure("Chào bạn, đi đâu? Bạn à").unicode_causes, ['ạ', 'đ', 'â']);
        assert!(SmsMeter::measure("Chao ban, di dau? é").unicode_causes.is_empty());
    }

    #[test]
    fn without_diacritics_a_vietnamese_text_takes_fewer_parts() {
        let size = SmsMeter::measure(&"Đường về nhà ".repeat(12));
        assert_eq!((size.units, size.parts, size.parts_without_diacritics), (156, 3, 1));
        assert_eq!(SmsMeter::measure("😀").parts_without_diacritics, 1);
    }

    #[test]
    fn diacritics_go_and_everything_else_stays() {
        let vietnamese =
            "ĂẮẰẲẴẶăắằẳẵặÂẤẦẨẪẬâấầẩẫậĐđÊẾỀỂỄỆêếềểễệÔỐỒỔỖỘôốồổỗộƠỚỜỞỠỢơớờởỡợƯỨỪỬỮỰưứừửữựÝỲỶỸỴýỳỷỹỵ";
        let expected = "AAAAAAaaaaaaAAAAAAaaaaaaDdEEEEEEeeeeeeOOOOOOooooooOOOOOOooooooUUUUUUuuuuuuYYYYYyyyyy";
        assert_eq!(strip_diacritics(vietnamese), expected);
        assert_eq!(strip_diacritics("“Chào” ‘bạn’ – đi…\u{a0}nhé"), "\"Chao\" 'ban' - di... nhe");
        assert_eq!(strip_diacritics("が 한국 हिन्दी 😀"), "が 한국 हिन्दी 😀");
    }

    proptest! {
        #[test]
        fn parts_hold_all_units_and_waste_at_most_one_each(text in "[aế€😀 \u{301}]{0,400}") {
            let size = SmsMeter::measure(&text);
            let (whole, part) = size.encoding.capacity();
            if size.units <= whole {
                prop_assert_eq!(size.parts, usize::from(size.units > 0));
            } else {
                prop_assert!(size.parts >= size.units.div_ceil(part));
                prop_assert!(size.parts <= size.units.div_ceil(part - 1));
            }
            prop_assert!(size.units >= size.characters);
            prop_assert_eq!(size.encoding == SmsEncoding::Ucs2, !size.unicode_causes.is_empty());
        }

        #[test]
        fn stripping_twice_is_stripping_once(text in "\\PC{0,60}") {
            let once = strip_diacritics(&text);
            prop_assert_eq!(strip_diacritics(&once), once);
        }
    }
}
