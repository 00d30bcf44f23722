//! Secrets, which print themselves nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use delivery_n8n::Secret;

use super::kind::{Kind, Reason};

/// Shorter secrets can be guessed; such a server keeps to this machine.
pub(crate) const SHORTEST_SAFE: usize = 16;
/// So many different letters and digits must be left of a safe one without the words and the rows of neighbours that
/// everybody tries first.
const FEWEST_DIFFERENT: usize = 8;
/// From so many on, characters that follow each other in the alphabet or on the keyboard are no chance.
const SHORTEST_ROW: usize = 4;
/// What lies side by side, forwards and backwards; digits go round.
const NEIGHBOURS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
];
/// Words that stand in examples and on the lists of those who guess.
const WELL_KNOWN: [&str; 14] = [
    "changeme",
    "change-me",
    "change_me",
    "please",
    "example",
    "password",
    "passwd",
    "default",
    "secret",
    "token",
    "qwerty",
    "admin",
    "outbound",
    "12345678",
];
/// The new one and the old one, while one is replaced.
const AT_MOST: usize = 2;

/// One secret, or two while one is replaced; the first is the one to use, any of them is believed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The one to use.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// All that are believed.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// As the setting was written: separated by a comma.
    pub(crate) fn joined(&self) -> String {
        self.0.join(",")
    }

    /// Whether both have one in common: who knows one would know the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|secret| other.0.contains(secret))
    }

    /// Whether one of them could be guessed. A random one of 16 hexadecimal digits passes nearly always, a longer one
    /// always.
    pub(crate) fn is_weak(&self) -> bool {
        self.0.iter().any(|secret| can_be_guessed(secret))
    }
}

fn can_be_guessed(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let rest = WELL_KNOWN.iter().fold(lower, |rest, word| rest.replace(word, ""));
    let rest: Vec<char> = rest.chars().filter(|c| c.is_alphanumeric()).collect();
    let different: BTreeSet<char> = without_rows(&rest).collect();
    secret.chars().count() < SHORTEST_SAFE || different.len() < FEWEST_DIFFERENT
}

/// The characters that are no part of a row of neighbours.
fn without_rows(secret: &[char]) -> impl Iterator<Item = char> {
    secret
        .chunk_by(|one, next| are_neighbours(*one, *next))
        .filter(|row| row.len() < SHORTEST_ROW)
        .flatten()
        .copied()
}

fn are_neighbours(one: char, next: char) -> bool {
    NEIGHBOURS.iter().any(|row| {
        let pairs = row.chars().zip(row.chars().skip(1));
        pairs.into_iter().any(|pair| pair == (one, next) || pair == (next, one))
    })
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} secrets>", self.0.len())
    }
}

/// One secret or two, separated by a comma.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOrTwo;

impl Kind for OneOrTwo {
    type Value = Secrets;
    const SECRET: bool = true;

    fn takes(&self) -> String {
        "a secret, or the new and the old one separated by a comma".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Secrets, Reason> {
        let secrets: Vec<String> = text.split(',').map(|secret| secret.trim().to_owned()).collect();
        let fits = secrets.len() <= AT_MOST && !secrets.iter().any(String::is_empty);
        if fits { Ok(Secrets(secrets)) } else { Err(None) }
    }
}

/// The same, of secrets that sign: what begins with `whsec_` goes on in base64.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signing;

impl Kind for Signing {
    type Value = Secrets;
    const SECRET: bool = true;

    fn takes(&self) -> String {
        format!("{}; after whsec_ it must be base64", OneOrTwo.takes())
    }

    fn parse(&self, text: &str) -> Result<Secrets, Reason> {
        let secrets = OneOrTwo.parse(text)?;
        if secrets.all().iter().all(|secret| Secret::parse(secret).is_ok()) { Ok(secrets) } else { Err(None) }
    }
}

/// Headers with credentials, as OpenTelemetry writes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Headers;

impl Kind for Headers {
    type Value = BTreeMap<String, String>;
    const SECRET: bool = true;

    fn takes(&self) -> String {
        "name=value, several separated by commas".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Self::Value, Reason> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            let is_name =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            let is_value = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
            (is_name && is_value).then(|| (name.to_owned(), value.to_owned()))
        };
        text.split(',').map(pair).collect::<Option<_>>().ok_or(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_without_thinking_can_be_guessed() {
        for weak in [
            "0123456789abcdef",
            "1234567890123456",
            "fedcba9876543210",
            "9876543210987654",
            "qwertyuiopasdfgh",
            "1q2w3e4r5t6y7u8i",
            "abcdefghijklmnop",
            "poiuytrewqlkjhgfdsa",
            "abcabcabcabcabcabc",
            "abcd1234efgh5678ijkl",
            "aaaaaaaaaaaaaaaaaaaa",
            "Secret-Token-Password-123",
        ] {
            assert!(can_be_guessed(weak), "{weak}");
        }
    }

    #[test]
    fn what_chance_made_can_not() {
        for good in [
            "9b1c63e0f7a2d458",
            "c0ffee15900dbabe7e57",
            "7f3a9c1e5b2d8046af13",
            "Tr7!kz0Qw-9pLm_2xVb",
            "8d4e2f6a0b7c1935e8d4e2f6a0b7c193",
        ] {
            assert!(!can_be_guessed(good), "{good}");
        }
    }

    #[test]
    fn of_many_random_secrets_as_openssl_makes_them_none_is_refused() {
        // A generator of its own, so that each run sees the same ones.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut digit = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from_digit((state >> 33) as u32 % 16, 16).unwrap()
        };
        for _ in 0..20_000 {
            let secret: String = (0..48).map(|_| digit()).collect();
            assert!(!can_be_guessed(&secret), "{secret}");
        }
    }
}
