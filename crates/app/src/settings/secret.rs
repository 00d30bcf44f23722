//! Secrets, which print themselves nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use delivery_n8n::Secret;

use super::kind::{Kind, Reason};

/// Shorter secrets can be guessed; such a server keeps to this machine.
pub(crate) const SHORTEST_SAFE: usize = 16;
/// So many different letters and digits must be left of a safe one without the words that everybody tries first.
const FEWEST_DIFFERENT: usize = 8;
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

    /// Whether one of them could be guessed.
    pub(crate) fn is_weak(&self) -> bool {
        self.0.iter().any(|secret| can_be_guessed(secret))
    }
}

fn can_be_guessed(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let rest = WELL_KNOWN.iter().fold(lower, |rest, word| rest.replace(word, ""));
    let different: BTreeSet<char> = rest.chars().filter(|c| c.is_alphanumeric()).collect();
    secret.chars().count() < SHORTEST_SAFE || different.len() < FEWEST_DIFFERENT
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
