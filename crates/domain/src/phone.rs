//! Phone numbers in E.164 form (contract §8).
//!
//! ```
//! use domain::phone::PhoneNumber;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let number = PhoneNumber::parse("090 123-45.67")?;
//! assert_eq!(number.as_str(), "+84901234567");
//! assert_eq!(format!("{number:?}"), "PhoneNumber(+8490***4567)", "a log never holds it in full");
//! assert_eq!(PhoneNumber::parse("0123"), PhoneNumber::parse("12 34"), "neither is one");
//! # Ok(()) }
//! ```

use std::fmt;
use std::str::FromStr;

/// The longest text that is looked at, in characters.
pub const MAX_PHONE_INPUT: usize = 32;

/// Why a text is no phone number. It never quotes the number: errors go to logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing but white space.
    #[error("the phone number is empty")]
    Empty,
    /// Longer than [`MAX_PHONE_INPUT`] characters.
    #[error("the phone number has more than {MAX_PHONE_INPUT} characters")]
    TooLong,
    /// A character that phone numbers are not written with, or a `+` that is not in front.
    #[error("a phone number has digits, spaces, `.`, `-`, `/`, `()` and a `+` in front, not {0:?}")]
    BadCharacter(char),
    /// Not a number that the numbering plan has.
    #[error("not a valid phone number: give it as 0901234567, or with its country code as +84901234567")]
    Invalid,
}

/// A valid phone number in E.164 form, such as `+84901234567`. `Display` prints it in full, `Debug` masks it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people write it: without a country code it is Vietnamese.
    ///
    /// # Errors
    /// [`PhoneError`] says why it is none.
    pub fn parse(raw: &str) -> Result<Self, PhoneError> {
        let digits = cleaned(raw)?;
        match vietnamese_mobile(&digits) {
            Some(national) => Ok(Self(format!("+84{national}"))),
            None => by_the_plan(&digits),
        }
    }

    /// The number in E.164 form, in full.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with its middle hidden, as logs may hold it: `+8490***4567`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (head, tail) = if self.0.len() >= 12 { (5, 4) } else { (3, 2) };
        let end = self.0.len().saturating_sub(tail);
        format!("{}***{}", self.0.get(..head).unwrap_or_default(), self.0.get(end..).unwrap_or_default())
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({})", self.masked())
    }
}

impl FromStr for PhoneNumber {
    type Err = PhoneError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        Self::parse(raw)
    }
}

/// The digits, with a `+` in front where there was one or where the international prefix `00` stands for it.
fn cleaned(raw: &str) -> Result<String, PhoneError> {
    if raw.chars().nth(MAX_PHONE_INPUT).is_some() {
        return Err(PhoneError::TooLong);
    }
    let mut digits = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            '.' | '-' | '/' | '(' | ')' => {}
            c if c.is_whitespace() => {}
            c => return Err(PhoneError::BadCharacter(c)),
        }
    }
    if digits.is_empty() {
        return Err(if raw.trim().is_empty() { PhoneError::Empty } else { PhoneError::Invalid });
    }
    Ok(match digits.strip_prefix("00") {
        Some(international) => format!("+{international}"),
        None => digits,
    })
}

/// The national part of a plain Vietnamese mobile number, without the library, which takes a hundred times as long.
/// Only prefixes that belong to mobile numbers as a whole; the others are left to the library.
fn vietnamese_mobile(digits: &str) -> Option<&str> {
    let national = ["+84", "84", "0"]
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .find(|national| national.len() == 9)?;
    let known = match national.as_bytes() {
        [b'3', ..] => true,
        [b'5', second, ..] => matches!(second, b'6' | b'8'),
        [b'7', second, ..] => matches!(second, b'0' | b'6'..=b'9'),
        [b'8', second, ..] => matches!(second, b'1'..=b'8'),
        [b'9', second, ..] => matches!(second, b'0'..=b'8'),
        _ => false,
    };
    known.then_some(national)
}

/// The number by the numbering plans of all countries.
fn by_the_plan(digits: &str) -> Result<PhoneNumber, PhoneError> {
    // With a country code, a default country would only let its own rules meddle with a foreign number.
    let country = if digits.starts_with('+') { None } else { Some(phonenumber::country::VN) };
    let number = phonenumber::parse(country, digits).map_err(|_| PhoneError::Invalid)?;
    if !number.is_valid() {
        return Err(PhoneError::Invalid);
    }
    Ok(PhoneNumber(number.format().mode(phonenumber::Mode::E164).to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(raw: &str) -> String {
        PhoneNumber::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}")).to_string()
    }

    #[test]
    fn a_vietnamese_number_is_kept_in_e164_however_it_is_written() {
        for raw in [
            "0901234567",
            "84901234567",
            "0084901234567",
            "+84901234567",
            "+84 90-123.4567",
            " 090 123 4567 ",
            "(090) 123-4567",
            "(+84) 901 234 567",
            "+84 (0) 90 123 4567",
            "090\u{a0}123\u{a0}4567",
            "901234567",
        ] {
            assert_eq!(parsed(raw), "+84901234567", "{raw}");
        }
        assert_eq!(parsed("028 3822 1234"), "+842838221234", "a landline");
        assert_eq!(parsed("0899123456"), "+84899123456", "a mobile prefix that the fast path does not know");
    }

    #[test]
    fn a_foreign_number_needs_its_country_code() {
        assert_eq!(parsed("+1 650 253 0000"), "+16502530000");
        assert_eq!(parsed("0044 20 7946 0958"), "+442079460958");
        assert_eq!(parsed("+65 9123 4567"), "+6591234567");
        assert_eq!(PhoneNumber::parse("650 253 0000"), Err(PhoneError::Invalid));
    }

    #[test]
    fn an_italian_number_keeps_its_leading_zero() {
        assert_eq!(parsed("+39 06 698 83712"), "+390669883712");
    }

    #[test]
    fn what_is_no_valid_number_is_refused() {
        for raw in [
            "123",
            "09123456789",
            "090123456",
            "0101234567",
            "+84901234",
            "+999123456789",
            "0000000000",
            "+",
            "-",
            "+0",
            "113",
            "00",
            "+84",
        ] {
            let error = PhoneNumber::parse(raw).map(|number| number.to_string());
            assert_eq!(error, Err(PhoneError::Invalid), "{raw}");
        }
        assert_eq!(PhoneNumber::parse(""), Err(PhoneError::Empty));
        assert_eq!(PhoneNumber::parse(" \t"), Err(PhoneError::Empty));
    }

    #[test]
    fn odd_characters_are_refused_before_anything_is_parsed() {
        for (raw, bad) in [
            ("0901234567\0", '\0'),
            ("0901234567x5", 'x'),
            ("tel:0901234567", 't'),
            ("090+1234567", '+'),
            ("++84901234567", '+'),
            ("٠٩٠١٢٣٤٥٦٧", '٠'),
            ("0901234567;ext=5", ';'),
            ("1-800-FLOWERS", 'F'),
        ] {
            assert_eq!(PhoneNumber::parse(raw), Err(PhoneError::BadCharacter(bad)), "{raw}");
        }
        assert_eq!(PhoneNumber::parse(&format!("{:>33}", "0901234567")), Err(PhoneError::TooLong));
        assert!(PhoneNumber::parse(&format!("{:>32}", "0901234567")).is_ok());
    }

    #[test]
    fn debug_and_the_mask_hide_the_middle_and_display_does_not() {
        let number = PhoneNumber::parse("0901234567").unwrap();
        assert_eq!(number.masked(), "+8490***4567");
        assert_eq!(
            format!("{number:?} {:?}", Some(&number)),
            "PhoneNumber(+8490***4567) Some(PhoneNumber(+8490***4567))"
        );
        assert_eq!(number.to_string(), "+84901234567");
        assert_eq!(PhoneNumber::parse("+6591234567").unwrap().masked(), "+65***67");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_fast_path_agrees_with_the_library(
            prefix in proptest::sample::select(&["0", "84", "+84", "0084"][..]), national in "[35789][0-9]{7,9}",
        ) {
            let raw = format!("{prefix}{national}");
            let digits = cleaned(&raw).unwrap();
            if vietnamese_mobile(&digits).is_some() {
                prop_assert_eq!(PhoneNumber::parse(&raw), by_the_plan(&digits));
                prop_assert_eq!(PhoneNumber::parse(&raw).unwrap().to_string(), format!("+84{national}"));
            }
        }

        #[test]
        fn what_was_parsed_parses_to_itself(raw in "(0|84|\\+84|\\+1|\\+39|\\+65|\\+44)[0-9]{6,11}") {
            if let Ok(number) = PhoneNumber::parse(&raw) {
                prop_assert!(number.as_str().starts_with('+') && number.as_str().len() <= 16);
                prop_assert_eq!(PhoneNumber::parse(number.as_str()), Ok(number));
            }
        }

        #[test]
        fn no_text_makes_it_panic_and_no_mask_shows_a_number(raw in "\\PC{0,34}") {
            if let Ok(number) = PhoneNumber::parse(&raw) {
                prop_assert!(number.as_str().len() - (number.masked().len() - 3) >= 3);
            }
        }

        #[test]
        fn no_digits_make_it_panic(raw in "[+]?[0-9() .-]{0,32}") {
            if let Ok(number) = PhoneNumber::parse(&raw) {
                prop_assert!(!number.masked().contains(number.as_str()));
            }
        }
    }

    #[test]
    fn the_fast_path_takes_the_common_prefixes_and_only_whole_ones() {
        for prefix in ["32", "39", "56", "58", "70", "76", "79", "81", "88", "90", "98"] {
            assert!(vietnamese_mobile(&format!("0{prefix}1234567")).is_some(), "{prefix}");
        }
        for prefix in ["28", "52", "59", "71", "75", "80", "89", "99", "12"] {
            assert!(vietnamese_mobile(&format!("0{prefix}1234567")).is_none(), "{prefix}");
        }
    }
}
