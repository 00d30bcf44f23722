//! Standard Webhooks signatures: `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`.
//!
//! Several secrets may be in force while one is replaced: all of them sign, any of them verifies. So either side may
//! change its secret first.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use domain::ports::{SignatureError, WebhookHeaders};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far a signature's time may be from now, in seconds.
pub const TOLERANCE_SECONDS: i64 = 5 * 60;
/// The mark of a secret that is written in base64.
const ENCODED: &str = "whsec_";
/// The one version of signatures that is made and read.
const VERSION: &str = "v1";

/// Why a text is no secret. Never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing to sign with.
    #[error("a secret must not be empty")]
    Empty,
    /// `whsec_` and then no base64.
    #[error("what follows whsec_ must be base64")]
    NotBase64,
}

/// One secret, ready to sign with.
#[derive(Clone)]
pub struct Secret {
    keyed: Hmac<Sha256>,
}

impl Secret {
    /// Takes `whsec_` and base64, as Standard Webhooks write a secret, or any other text as its own bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let key = match text.strip_prefix(ENCODED) {
            Some(encoded) => BASE64.decode(encoded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err(SecretError::Empty);
        }
        let keyed = Hmac::new_from_slice(&key).map_err(|_| SecretError::Empty)?;
        Ok(Self { keyed })
    }

    fn over(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The secrets in force, the newest first.
#[derive(Debug, Clone, Default)]
pub struct Signer {
    secrets: Vec<Secret>,
}

impl Signer {
    /// Signs with every secret and verifies with any; without secrets it does neither.
    pub const fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets }
    }

    /// The value of `webhook-signature`, or nothing without a secret. `timestamp` is in seconds since 1970.
    /// Holds a signature for each secret, with spaces between.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let timestamp = timestamp.to_string();
        let sign = |secret: &Secret| {
            let tag = secret.over(id, &timestamp, body).finalize().into_bytes();
            format!("{VERSION},{}", BASE64.encode(tag))
        };
        let signatures: Vec<_> = self.secrets.iter().map(sign).collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }

    /// Whether one of the header's signatures is right for the body under one of the secrets, and not too old.
    /// Compares in constant time.
    pub fn verify(
        &self,
        headers: &WebhookHeaders<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), SignatureError> {
        if self.secrets.is_empty() {
            return Err(SignatureError::NoSecret);
        }
        let timestamp: i64 = headers.timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
        let age = now.timestamp().saturating_sub(timestamp);
        if age > TOLERANCE_SECONDS {
            return Err(SignatureError::TooOld);
        }
        if age < -TOLERANCE_SECONDS {
            return Err(SignatureError::InFuture);
        }
        let tags = headers.signature.split_ascii_whitespace().filter_map(tag);
        let fits = tags.fold(false, |fits, tag| fits | self.fits(headers, body, &tag));
        if fits { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn fits(&self, headers: &WebhookHeaders<'_>, body: &[u8], tag: &[u8]) -> bool {
        let over = |secret: &Secret| secret.over(headers.id, headers.timestamp, body);
        self.secrets.iter().fold(false, |fits, secret| fits | over(secret).verify_slice(tag).is_ok())
    }
}

/// The bytes of one `v1,<base64>`; other versions are passed over.
fn tag(signature: &str) -> Option<Vec<u8>> {
    let (version, encoded) = signature.split_once(',')?;
    (version == VERSION).then(|| BASE64.decode(encoded).ok()).flatten()
}

#[cfg(test)]
mod tests;
