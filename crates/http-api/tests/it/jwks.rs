//! Tokens signed with keys that an identity provider publishes. The keys in `keys/` were made for these tests alone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::access::{Caller, Role};
use http_api::{ByAlgorithm, Expected, Hs256, Jwks, JwksSource, TokenError, TokenVerifier};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{JWT_SECRET, claims, noon};

const ES256: &[u8] = include_bytes!("keys/es256.pem");
const ES256_NEW: &[u8] = include_bytes!("keys/es256-new.pem");
const ED25519: &[u8] = include_bytes!("keys/ed25519.pem");
const RS256: &[u8] = include_bytes!("keys/rs256.pem");

/// An identity provider.
#[derive(Default)]
struct Provider {
    keys: Mutex<Vec<Value>>,
    down: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl JwksSource for Provider {
    async fn fetch(&self) -> Result<String, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err("connection refused".to_owned());
        }
        Ok(json!({"keys": *self.keys.lock().unwrap()}).to_string())
    }
}

impl Provider {
    fn with(keys: Vec<Value>) -> Arc<Self> {
        Arc::new(Self { keys: Mutex::new(keys), ..Self::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn signing_key(algorithm: Algorithm, pem: &[u8]) -> EncodingKey {
    if algorithm == Algorithm::ES256 {
        EncodingKey::from_ec_pem(pem).unwrap()
    } else if algorithm == Algorithm::EdDSA {
        EncodingKey::from_ed_pem(pem).unwrap()
    } else {
        EncodingKey::from_rsa_pem(pem).unwrap()
    }
}

fn published(id: &str, algorithm: Algorithm, pem: &[u8]) -> Value {
    let mut key =
        serde_json::to_value(Jwk::from_encoding_key(&signing_key(algorithm, pem), algorithm).unwrap())
            .unwrap();
    key["kid"] = json!(id);
    key["use"] = json!("sig");
    key
}

fn signed(id: Option<&str>, algorithm: Algorithm, pem: &[u8]) -> String {
    let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, &claims("manager"), &signing_key(algorithm, pem)).unwrap()
}

async fn verify(jwks: &Jwks, token: &str, after: TimeDelta) -> Result<Caller, TokenError> {
    jwks.verify(token, noon() + after).await
}

const AT_ONCE: TimeDelta = TimeDelta::zero();

#[actix_web::test]
async fn each_algorithm_opens_with_its_published_key_and_the_keys_are_fetched_once() {
    let provider = Provider::with(vec![
        published("e", Algorithm::ES256, ES256),
        published("d", Algorithm::EdDSA, ED25519),
        published("r", Algorithm::RS256, RS256),
        json!({"kty": "of times to come", "kid": "x"}),
    ]);
    let jwks = Jwks::new(provider.clone(), Expected::default());
    for (id, algorithm, pem) in
        [("e", Algorithm::ES256, ES256), ("d", Algorithm::EdDSA, ED25519), ("r", Algorithm::RS256, RS256)]
    {
        for id in [Some(id), None] {
            let caller = verify(&jwks, &signed(id, algorithm, pem), AT_ONCE).await.unwrap();
            assert_eq!((caller.subject.as_str(), caller.role), ("u1", Role::Manager), "{algorithm:?}");
        }
    }
    assert_eq!(provider.asked(), 1);
}

#[actix_web::test]
async fn an_unknown_key_is_asked_for_at_most_once_a_minute() {
    let provider = Provider::with(vec![published("old", Algorithm::ES256, ES256)]);
    let jwks = Jwks::new(provider.clone(), Expected::default());
    assert!(verify(&jwks, &signed(Some("old"), Algorithm::ES256, ES256), AT_ONCE).await.is_ok());
    provider.keys.lock().unwrap().push(published("new", Algorithm::ES256, ES256_NEW));
    let new = signed(Some("new"), Algorithm::ES256, ES256_NEW);
    for seconds in [1, 30, 59] {
        let refused = verify(&jwks, &new, TimeDelta::seconds(seconds)).await;
        assert!(matches!(refused, Err(TokenError::Refused(_))), "{refused:?}");
    }
    assert_eq!(provider.asked(), 1);
    assert!(verify(&jwks, &new, TimeDelta::seconds(60)).await.is_ok());
    assert_eq!(provider.asked(), 2);
}

#[actix_web::test]
async fn a_key_that_was_withdrawn_opens_nothing_after_a_while() {
    let provider = Provider::with(vec![published("old", Algorithm::ES256, ES256)]);
    let jwks = Jwks::new(provider.clone(), Expected::default());
    let old = signed(Some("old"), Algorithm::ES256, ES256);
    assert!(verify(&jwks, &old, AT_ONCE).await.is_ok());
    provider.keys.lock().unwrap().clear();
    assert!(verify(&jwks, &old, TimeDelta::minutes(14)).await.is_ok());
    assert!(matches!(verify(&jwks, &old, TimeDelta::minutes(15)).await, Err(TokenError::Refused(_))));
}

#[actix_web::test]
async fn a_provider_that_is_down_locks_out_nobody_whose_key_is_known() {
    let provider = Provider::with(vec![published("old", Algorithm::ES256, ES256)]);
    provider.down.store(true, Ordering::SeqCst);
    let jwks = Jwks::new(provider.clone(), Expected::default());
    let old = signed(Some("old"), Algorithm::ES256, ES256);
    for seconds in [0, 1] {
        let answer = verify(&jwks, &old, TimeDelta::seconds(seconds)).await;
        assert!(matches!(answer, Err(TokenError::Unavailable(_))), "{answer:?}");
    }
    assert_eq!(provider.asked(), 1, "not again within the minute");
    provider.down.store(false, Ordering::SeqCst);
    assert!(verify(&jwks, &old, TimeDelta::minutes(1)).await.is_ok());
    provider.down.store(true, Ordering::SeqCst);
    let day_later = json!({"sub": "u1", "exp": (noon() + TimeDelta::days(3)).timestamp()});
    let header = Header { kid: Some("old".to_owned()), ..Header::new(Algorithm::ES256) };
    let later = encode(&header, &day_later, &signing_key(Algorithm::ES256, ES256)).unwrap();
    assert!(verify(&jwks, &later, TimeDelta::days(1)).await.is_ok());
}

#[actix_web::test]
async fn what_is_not_signed_by_the_named_key_is_refused() {
    let mut encrypts = published("enc", Algorithm::ES256, ES256_NEW);
    encrypts["use"] = json!("enc");
    let secret = json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"});
    let keys = vec![
        published("e", Algorithm::ES256, ES256),
        published("e2", Algorithm::ES256, ES256_NEW),
        encrypts,
        secret,
    ];
    let jwks = Jwks::new(Provider::with(keys), Expected::default());
    let public = Header { kid: Some("e".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&public, &claims("admin"), &EncodingKey::from_secret(ES256)).unwrap();
    let shared = Header { kid: Some("oct".to_owned()), ..Header::new(Algorithm::HS256) };
    let shared = encode(&shared, &claims("admin"), &EncodingKey::from_secret(b"secret")).unwrap();
    let mut tampered = signed(Some("e"), Algorithm::ES256, ES256);
    tampered.insert(tampered.find('.').unwrap() + 3, 'x');
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSJ9.".to_owned();
    for token in [
        confused,
        shared,
        tampered,
        none,
        signed(Some("e"), Algorithm::ES256, ES256_NEW),
        signed(None, Algorithm::ES256, ES256),
        signed(Some("enc"), Algorithm::ES256, ES256_NEW),
        signed(Some("e"), Algorithm::RS256, RS256),
        String::new(),
    ] {
        let answer = verify(&jwks, &token, AT_ONCE).await;
        assert!(matches!(answer, Err(TokenError::Refused(_))), "{token}: {answer:?}");
    }
    let expired = verify(&jwks, &signed(Some("e"), Algorithm::ES256, ES256), TimeDelta::days(3)).await;
    assert_eq!(expired, Err(TokenError::Refused("expired".into())));
}

#[actix_web::test]
async fn both_kinds_of_tokens_open_where_both_are_set() {
    let provider = Provider::with(vec![published("e", Algorithm::ES256, ES256)]);
    let both = ByAlgorithm {
        shared: Hs256::parse(JWT_SECRET).unwrap(),
        published: Jwks::new(provider.clone(), Expected::default()),
    };
    let shared = crate::support::token(&claims("admin"), JWT_SECRET);
    assert!(both.verify(&shared, noon()).await.is_ok());
    assert_eq!(provider.asked(), 0);
    assert!(both.verify(&signed(Some("e"), Algorithm::ES256, ES256), noon()).await.is_ok());
    let by_public_key =
        encode(&Header::default(), &claims("admin"), &EncodingKey::from_secret(ES256)).unwrap();
    assert!(both.verify(&by_public_key, noon()).await.is_err());
}

#[actix_web::test]
async fn a_token_for_another_program_of_the_same_provider_opens_nothing() {
    let provider = Provider::with(vec![published("a", Algorithm::ES256, ES256)]);
    let expected =
        Expected { issuer: Some("https://id.example.vn".into()), audience: Some("outbound".into()) };
    let jwks = Jwks::new(provider, expected);
    let token = |more: Value| {
        let mut all = claims("manager");
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &all, &signing_key(Algorithm::ES256, ES256)).unwrap()
    };
    for right in [
        json!({"iss": "https://id.example.vn", "aud": "outbound"}),
        json!({"iss": "https://id.example.vn", "aud": ["crm", "outbound"]}),
    ] {
        assert!(verify(&jwks, &token(right), AT_ONCE).await.is_ok());
    }
    for wrong in [
        json!({}),
        json!({"iss": "https://id.example.vn"}),
        json!({"aud": "outbound"}),
        json!({"iss": "https://other.example.vn", "aud": "outbound"}),
        json!({"iss": "https://id.example.vn", "aud": ["crm"]}),
        json!({"iss": ["https://id.example.vn"], "aud": "outbound"}),
    ] {
        let refused = verify(&jwks, &token(wrong.clone()), AT_ONCE).await;
        assert!(matches!(refused, Err(TokenError::Refused(_))), "{wrong}");
    }
}
