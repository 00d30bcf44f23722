//! Shared secrets.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// One secret, or the old and the new one while they are exchanged. Kept as digests, never printed.
#[derive(Clone)]
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// Reads a setting: one value, or several separated by commas; white space around them does not count. `None`
    /// when there is no value.
    pub fn parse(setting: &str) -> Option<Self> {
        let digests: Vec<_> = values(setting).map(|secret| digest(secret.as_bytes())).collect();
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// Whether it is one of them. Takes as long for a wrong one as for a right one, whatever they have in common.
    pub(crate) fn has(&self, given: &[u8]) -> bool {
        let given = digest(given);
        let none = Choice::from(0);
        self.0.iter().fold(none, |found, known| found | known.ct_eq(&given)).into()
    }
}

/// The values of a setting that may hold several.
pub(super) fn values(setting: &str) -> impl Iterator<Item = &str> {
    setting.split(',').map(str::trim).filter(|value| !value.is_empty())
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} secrets>", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_two_secrets_is_right_and_nothing_else() {
        let secrets = Secrets::parse(" old , new ").unwrap();
        assert!(secrets.has(b"old") && secrets.has(b"new"));
        for wrong in ["", "old,new", " old", "ol", "oldd"] {
            assert!(!secrets.has(wrong.as_bytes()), "{wrong:?}");
        }
        assert_eq!(format!("{secrets:?}"), "<2 secrets>");
    }

    #[test]
    fn an_empty_setting_is_no_secret() {
        assert!(Secrets::parse("").is_none() && Secrets::parse(" , ").is_none());
    }
}
