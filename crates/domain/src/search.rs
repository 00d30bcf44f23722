//! What a search finds (contract §9, `q`).
//!
//! A text is a list of words with blanks between. Letter case and diacritics do not count: `nguyen` finds `Nguyễn`, and
//! `đóng` finds `DONG`. Each word of what is searched for must stand at the beginning of a word of the recipient, the
//! recipient's name, the template's key or the text, or at or behind a sign that is no letter or digit: `50`, `%` and
//! `50%` all find `50%`, and nothing is a wildcard. Three digits and more are also found anywhere in a phone number,
//! with or without its country code; behind a `+` they are what the number begins with. Closing punctuation does not
//! count.
//!
//! A store keeps the [`terms`] of a message, so that an index may find what begins with a word.

use std::collections::BTreeSet;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use crate::address::Address;
use crate::ids::TemplateKey;
use crate::message::Content;
use crate::template::TemplateBody;

/// The longest term that is kept, in characters; what is searched for is cut in the same way.
pub const MAX_TERM: usize = 64;

/// Fewer digits than these are not looked for within phone numbers.
const FEWEST_DIGITS: usize = 3;

/// A text without letter case and diacritics.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            decompose_canonical(c, |part| {
                let plain = part.to_lowercase().filter(|c| !is_combining_mark(*c));
                folded.extend(plain.map(|c| if c == 'đ' { 'd' } else { c }));
            });
        }
    }
    folded
}

/// Tells each term of a [`folded`] text: its words, and what of them begins with a sign or stands behind one. One that
/// occurs several times is told as often.
pub fn each_term<'a>(folded: &'a str, mut tell: impl FnMut(&'a str)) {
    for word in folded.split_whitespace().map(without_closing) {
        let mut within = false;
        for (at, c) in word.char_indices() {
            let is_letter = c.is_alphanumeric();
            if !(within && is_letter) {
                tell(cut(word.get(at..).unwrap_or_default()));
            }
            within = is_letter;
        }
    }
}

fn cut(term: &str) -> &str {
    let end = term.char_indices().nth(MAX_TERM).map_or(term.len(), |(end, _)| end);
    term.get(..end).unwrap_or(term)
}

fn terms(text: &str, into: &mut BTreeSet<String>) {
    each_term(&folded(text), |term| {
        into.insert(term.to_owned());
    });
}

/// The texts of a message that are searched, but for its phone number.
pub fn texts_of(content: &Content) -> impl Iterator<Item = &str> {
    let provider = content.to.as_ref().and_then(|to| match to {
        Address::Provider(id) => Some(id.as_str()),
        Address::Phone(_) => None,
    });
    let key = content.template_key.as_ref().map(TemplateKey::as_str);
    std::iter::once(content.text.0.as_str()).chain(key).chain(content.full_name.as_deref()).chain(provider)
}

/// The terms of a message, but for those of its phone number.
#[must_use]
pub fn terms_of(content: &Content) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    texts_of(content).for_each(|text| terms(text, &mut found));
    found
}

/// The terms that every message of a template has, whatever its variables: those of its key and its own words.
#[must_use]
pub fn terms_of_template(key: &TemplateKey, body: &TemplateBody) -> BTreeSet<String> {
    // A letter that nobody writes stands for a variable's value; what touches it is not the template's own.
    const VALUE: &str = "\u{a66e}";
    let mut found = BTreeSet::new();
    terms(&body.fill(|_| Some(VALUE)).text, &mut found);
    found.retain(|term| !term.contains(VALUE));
    terms(key.as_str(), &mut found);
    found
}

/// The digits of a phone number as people write it: a Vietnamese one with `0` for its country code.
#[must_use]
pub fn digits_of(address: &Address) -> Option<String> {
    match address {
        Address::Phone(number) => Some(domestic(number.as_str())),
        Address::Provider(_) => None,
    }
}

fn domestic(number: &str) -> String {
    match number.strip_prefix("+84") {
        Some(national) => format!("0{national}"),
        None => number.trim_start_matches('+').to_owned(),
    }
}

/// A word without its closing punctuation.
fn without_closing(word: &str) -> &str {
    word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '…', '”', '’', '»'])
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Each of these must be found.
    pub words: Vec<Word>,
    /// Or these digits, where the whole is written like a phone number.
    pub number: Vec<Digits>,
}

/// A word that is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What a term must begin with.
    pub start: String,
    /// Or what the phone number's digits must have in them: any of these.
    pub digits: Vec<Digits>,
}

/// Digits that are looked for in phone numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// The digits, as [`digits_of`] has them.
    pub wanted: String,
    /// Whether the number must begin with them: they were written with a `+`.
    pub from_start: bool,
}

impl Digits {
    fn are_in(&self, number: &str) -> bool {
        if self.from_start { number.starts_with(&self.wanted) } else { number.contains(&self.wanted) }
    }
}

impl Query {
    /// Reads what somebody searches for. Without words it finds nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let folded = folded(text);
        let words: Vec<Word> = folded
            .split_whitespace()
            .map(without_closing)
            .filter(|word| !word.is_empty())
            .map(|word| Word { start: cut(word).to_owned(), digits: digits(word) })
            .collect();
        let number = if words.len() > 1 { digits(&folded) } else { Vec::new() };
        Self { words, number }
    }

    /// Whether it finds this message.
    #[must_use]
    pub fn finds(&self, content: &Content) -> bool {
        let terms = terms_of(content);
        let number = content.to.as_ref().and_then(digits_of);
        let has = |digits: &[Digits]| {
            number.as_ref().is_some_and(|number| digits.iter().any(|digits| digits.are_in(number)))
        };
        let begins =
            |start: &String| terms.range(start.clone()..).next().is_some_and(|t| t.starts_with(start));
        let all = self.words.iter().all(|word| begins(&word.start) || has(&word.digits));
        !self.words.is_empty() && (all || has(&self.number))
    }
}

/// The digits to look for in phone numbers, where a text is written like one.
fn digits(text: &str) -> Vec<Digits> {
    let like_a_number = text
        .chars()
        .all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '.' | '-' | '(' | ')'));
    let found: String = text.chars().filter(char::is_ascii_digit).collect();
    if !like_a_number || found.len() < FEWEST_DIGITS {
        return Vec::new();
    }
    let from_start = text.trim_start().starts_with('+');
    let mut ways = match found.strip_prefix("84") {
        Some(national) if from_start => vec![format!("0{national}")],
        Some(national) if found.len() >= 5 => vec![format!("0{national}"), found],
        Some(_) | None => vec![found],
    };
    ways.retain(|digits| digits.len() >= FEWEST_DIGITS);
    ways.into_iter().map(|wanted| Digits { wanted, from_start }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;
    use crate::actor::Actor;
    use crate::channel::Channel;
    use crate::message::Text;

    fn content(to: &str, text: &str) -> Content {
        Content {
            channel: Channel::Sms,
            to: Some(Address::parse(Channel::Sms, to).unwrap()),
            template_key: Some(TemplateKey::parse("nhac_hoc-phi").unwrap()),
            text: Text(text.to_owned()),
            lead_id: None,
            student_id: None,
            notification_id: None,
            owner_id: None,
            branch_id: None,
            job_id: None,
            full_name: Some("Trần Thị Bưởi".to_owned()),
            owner_name: None,
            created_by: Actor::System,
            scheduled_at: None,
        }
    }

    #[track_caller]
    fn check(text: &str, found: &[&str], not_found: &[&str]) {
        let content = content("0901234567", text);
        for q in found {
            assert!(Query::parse(q).finds(&content), "{q} is in {text}");
        }
        for q in not_found {
            assert!(!Query::parse(q).finds(&content), "{q} is not in {text}");
        }
    }

    #[test]
    fn words_are_found_by_their_beginnings_without_case_and_diacritics() {
        check(
            "Chào Nguyễn Văn Đạt, học phí còn lại 1.500.000đ!",
            &[
                "nguyen", "NGUYỄN", "ngu", "n", "dat", "Đạt", "đạt,", "hoc phi", "phi hoc", "ph ho", "1.500",
                "500.000",
            ],
            &["guyen", "datt", "hoc xin", "1500000"],
        );
        check("x", &["bưởi", "tran thi", "nhac_hoc-phi", "hoc-phi", "NHAC"], &["ac_hoc", "uoi"]);
        check("Chào Tie\u{302}\u{301}ng Việt", &["tiếng", "tie\u{301}\u{302}ng"], &[]);
    }

    #[test]
    fn no_sign_is_a_wildcard() {
        check("Giảm 50% học phí", &["50%", "50", "%", "giảm 50%"], &["5%0", "g%", "%%"]);
        check("Giảm 500", &["50"], &["50%", "%"]);
        check(
            r"lop_hoc C:\tep",
            &["lop_hoc", "_hoc", r"C:\", r"\tep", "_"],
            &["lop%hoc", "lopXhoc", "p_h", r"\\"],
        );
        check("a'b \"c\" (d)", &["a'b", "'b", "\"c", "(d"], &["''"]);
    }

    #[test]
    fn digits_are_found_anywhere_in_the_phone_number() {
        check(
            "x",
            &[
                "0901234567",
                "+84901234567",
                "84901",
                "090 123 4567",
                "090.123",
                "4567",
                "345",
                "+84 90",
                "090",
            ],
            &["45", "0904", "+849012345678", "84 345", "4568", "+84345", "+123", "+901"],
        );
        check("x", &["trần 4567", "4567 buoi"], &["trần 4568"]);
        let abroad = content("+16502530000", "x");
        for q in ["+1650", "1650", "6502530000", "2530"] {
            assert!(Query::parse(q).finds(&abroad), "{q}");
        }
        assert!(!Query::parse("01650").finds(&abroad));
    }

    #[test]
    fn nothing_to_look_for_finds_nothing() {
        check("Chào! ...", &[], &["", " ", "!", "...", "?!"]);
    }

    #[test]
    fn a_templates_terms_are_those_of_all_its_messages() {
        let key = TemplateKey::parse("nhac_hoc-phi").unwrap();
        let body =
            TemplateBody::parse("Chào {{ name }}, mã:{{ code }} học-phí {{ a }}đ. Số {{ b }}!").unwrap();
        let own = terms_of_template(&key, &body);
        let expected = ["-phi", "_hoc-phi", "chao", "hoc-phi", "nhac_hoc-phi", "phi", "so"];
        assert_eq!(own.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        for value in ["An", "Lê Thị Hoa", "1.000", "(x)"] {
            let message = content("0901234567", &body.render(|_| Some(value)).unwrap());
            assert!(own.is_subset(&terms_of(&message)), "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_word_of_a_text_finds_it(text in "\\PC{1,60}") {
            let content = content("0901234567", &text);
            for word in text.split_whitespace() {
                let query = Query::parse(word);
                prop_assert!(query.words.is_empty() || query.finds(&content), "{word}");
            }
        }

        #[test]
        fn however_the_letters_are_composed_they_fold_alike(text in "\\PC{0,40}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(folded(&composed), folded(&decomposed));
            prop_assert_eq!(folded(&folded(&text)), folded(&text));
        }
    }
}
