//! Tokens signed with keys that an identity provider publishes (`JWT_JWKS_URL`).

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Caller;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, decode, decode_header};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, RwLock};

use super::token::{Hs256, TokenError, TokenVerifier, caller, refused, signature_only};

/// How long to wait, after the keys were asked for, before an unknown key is a reason to ask again.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// How old keys may be: after this they are asked for again, so that a key that was withdrawn opens nothing for long.
const MAX_AGE: TimeDelta = TimeDelta::minutes(15);

/// Fetches the document that [`Jwks`] reads; the app brings the HTTP client.
#[async_trait]
pub trait JwksSource: Send + Sync {
    /// The JSON Web Key Set as text. Must end within a few seconds; `Err` says for the log why there is none.
    async fn fetch(&self) -> Result<String, String>;
}

/// Who tokens must come from, and whom they must be for. A provider signs tokens for all its customers and programs
/// with the same keys, so a good signature alone says little.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// `JWT_ISSUER`: the claim `iss`.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`: the claim `aud`, or one of it.
    pub audience: Option<String>,
}

/// Checks tokens by RS256, ES256 or EdDSA with published keys, which it keeps.
pub struct Jwks {
    source: Arc<dyn JwksSource>,
    expected: Expected,
    kept: RwLock<Kept>,
    /// Held by the one who asks the source.
    asking: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    keys: Vec<Key>,
    /// When the keys came.
    fetched_at: Option<DateTime<Utc>>,
    /// When the source was last asked, whatever it answered.
    asked_at: Option<DateTime<Utc>>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwks {
    /// Keys from this source; they are fetched when the first token comes.
    pub fn new(source: Arc<dyn JwksSource>, expected: Expected) -> Self {
        Self { source, expected, kept: RwLock::default(), asking: Mutex::new(()) }
    }

    /// The key for a token, asking the source where that may help.
    async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Key, TokenError> {
        if let Some(key) = self.kept.read().await.fresh(id, algorithm, now) {
            return Ok(key);
        }
        // One asks; the others wait for what it learns.
        let _asking = self.asking.lock().await;
        if let Some(key) = self.kept.read().await.fresh(id, algorithm, now) {
            return Ok(key);
        }
        let failure = if self.kept.read().await.may_ask(now) { self.ask(now).await.err() } else { None };
        let kept = self.kept.read().await;
        match (kept.find(id, algorithm), failure) {
            // A source that is down does not lock anybody out whose key is known.
            (Some(key), _) => Ok(key),
            (None, Some(cause)) => Err(TokenError::Unavailable(format!("no keys for tokens: {cause}"))),
            (None, None) if kept.fetched_at.is_none() => {
                Err(TokenError::Unavailable("there are no keys for tokens yet".to_owned()))
            }
            (None, None) => Err(refused("no published key has its kid and alg")),
        }
    }

    async fn ask(&self, now: DateTime<Utc>) -> Result<(), String> {
        self.kept.write().await.asked_at = Some(now);
        let keys = read(&self.source.fetch().await?)?;
        let mut kept = self.kept.write().await;
        kept.keys = keys;
        kept.fetched_at = Some(now);
        Ok(())
    }
}

impl Kept {
    /// The key, unless it is too old to go by.
    fn fresh(&self, id: Option<&str>, algorithm: Algorithm, now: DateTime<Utc>) -> Option<Key> {
        let young = self.fetched_at.is_some_and(|at| now - at < MAX_AGE);
        // While the source may not be asked, what is there must do.
        if young || !self.may_ask(now) { self.find(id, algorithm) } else { None }
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        self.asked_at.is_none_or(|at| (now - at).abs() >= PAUSE)
    }

    /// By kid; a token without one only where a single key could be meant.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Key> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then(|| first.clone())
    }
}

/// The keys of a set that tokens can be checked with; others, of kinds to come, are left out.
fn read(text: &str) -> Result<Vec<Key>, String> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_str(text).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
    Ok(set.keys.into_iter().filter_map(|key| usable(&serde_json::from_value(key).ok()?)).collect())
}

fn usable(jwk: &Jwk) -> Option<Key> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let algorithm = algorithm_of(&jwk.algorithm)?;
    let named = common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    if !signs || !named {
        return None;
    }
    Some(Key { id: common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

/// What a key is good for is told by its kind. Secrets are no published keys.
fn algorithm_of(key: &AlgorithmParameters) -> Option<Algorithm> {
    if let AlgorithmParameters::RSA(_) = key {
        Some(Algorithm::RS256)
    } else if let AlgorithmParameters::EllipticCurve(key) = key {
        (key.curve == EllipticCurve::P256).then_some(Algorithm::ES256)
    } else if let AlgorithmParameters::OctetKeyPair(key) = key {
        (key.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA)
    } else {
        None
    }
}

#[async_trait]
impl TokenVerifier for Jwks {
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        let header = decode_header(token).map_err(|error| TokenError::Refused(error.to_string().into()))?;
        if ![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&header.alg) {
            return Err(refused("its alg is not one of RS256, ES256 and EdDSA"));
        }
        let Key { key, algorithm, .. } = self.key(header.kid.as_deref(), header.alg, now).await?;
        let decoded = decode::<Map<String, Value>>(token, &key, &signature_only(algorithm))
            .map_err(|error| TokenError::Refused(error.to_string().into()))?;
        self.expected.check(&decoded.claims)?;
        caller(&decoded.claims, now)
    }
}

impl Expected {
    fn check(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        let is = |claim: &Value, wanted: &String| claim.as_str() == Some(wanted);
        let from = |wanted: &String| claims.get("iss").is_some_and(|issuer| is(issuer, wanted));
        let meant_for = |wanted: &String| match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(|one| is(one, wanted)),
            Some(one) => is(one, wanted),
            None => false,
        };
        if !self.issuer.as_ref().is_none_or(from) {
            return Err(refused("it comes from another issuer"));
        }
        if !self.audience.as_ref().is_none_or(meant_for) {
            return Err(refused("it is meant for another audience"));
        }
        Ok(())
    }
}

/// Both kinds of tokens at once: HS256 by the shared secret, the others by published keys. No key is ever used for an
/// algorithm of the other kind.
pub struct ByAlgorithm {
    /// `JWT_SECRET`.
    pub shared: Hs256,
    /// `JWT_JWKS_URL`.
    pub published: Jwks,
}

#[async_trait]
impl TokenVerifier for ByAlgorithm {
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        let header = decode_header(token).map_err(|error| TokenError::Refused(error.to_string().into()))?;
        if header.alg == Algorithm::HS256 {
            self.shared.verify(token, now).await
        } else {
            self.published.verify(token, now).await
        }
    }
}
