//! Tokens of the CRM's users.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::{Caller, Role};
use domain::ids::{BranchId, OwnerId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

use super::secrets::values;
use crate::error::ApiError;

/// The cookie that may stand in for the header.
const COOKIE: &str = "access_token";
/// How far the clocks of two servers may be apart, in seconds.
const LEEWAY_SECONDS: f64 = 5.0;
/// The longest name that is taken from a token, in characters.
const MAX_NAME: usize = 200;

/// Why a token lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// It is not valid; the reason is for the log.
    Refused(Cow<'static, str>),
    /// The keys can't be had now.
    Unavailable(String),
}

/// Checks a token: its signature, its time and its claims.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Whoever the token was made for.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError>;
}

/// Tokens signed with a shared secret (`JWT_SECRET`).
pub struct Hs256 {
    keys: Vec<DecodingKey>,
}

impl Hs256 {
    /// Reads the setting: one secret, or several separated by commas. `None` when there is none.
    pub fn parse(setting: &str) -> Option<Self> {
        let keys: Vec<_> =
            values(setting).map(|secret| DecodingKey::from_secret(secret.as_bytes())).collect();
        (!keys.is_empty()).then_some(Self { keys })
    }
}

#[async_trait]
impl TokenVerifier for Hs256 {
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        let validation = signature_only(Algorithm::HS256);
        let mut refusal = refused("there is no key");
        for key in &self.keys {
            match decode::<Map<String, Value>>(token, key, &validation) {
                Ok(decoded) => return caller(&decoded.claims, now),
                Err(error) => refusal = TokenError::Refused(error.to_string().into()),
            }
        }
        Err(refusal)
    }
}

/// Times are checked by [`caller`], against the clock that is handed in.
pub(super) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// The caller that a token's claims name. The signature has been checked.
pub(super) fn caller(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<Caller, TokenError> {
    check_times(claims, now)?;
    if claims.iter().any(|(claim, value)| says_refresh(claim, value)) {
        return Err(refused("a refresh token opens nothing"));
    }
    let subject = claims.get("sub").and_then(Value::as_str).ok_or_else(|| refused("sub is missing"))?;
    let subject = OwnerId::parse(subject).map_err(|_| refused("sub is not an id"))?;
    let branch = match claims.get("branchId") {
        None | Some(Value::Null) => None,
        // A user without a branch, in the words of some CRMs: no more rights than without the claim.
        Some(Value::String(id)) if id.trim().is_empty() => None,
        Some(Value::String(id)) => Some(BranchId::parse(id).map_err(|_| refused("branchId is not an id"))?),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(refused("branchId is not text"));
        }
    };
    let role = claims.get("role").and_then(Value::as_str).map_or(Role::Viewer, Role::from_claim);
    let name = claims.get("name").and_then(Value::as_str).and_then(clean_name);
    Ok(Caller { subject, role, branch, name })
}

/// Whether a claim tells that the token is there to get new tokens with: `type`, `typ`, `token_type`, `tokenUse` and
/// the like.
fn says_refresh(claim: &str, value: &Value) -> bool {
    let name: String = claim.chars().filter(char::is_ascii_alphabetic).collect();
    let tells = ["type", "typ", "tokentype", "tokenuse", "use"].contains(&&*name.to_ascii_lowercase());
    tells && value.to_string().to_ascii_lowercase().contains("refresh")
}

fn check_times(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(), TokenError> {
    // Whole seconds are exact in a float for the next hundred million years.
    let now = now.timestamp() as f64;
    let expires = claims.get("exp").and_then(Value::as_f64).ok_or_else(|| refused("exp is missing"))?;
    if now - LEEWAY_SECONDS >= expires {
        return Err(refused("expired"));
    }
    match claims.get("nbf") {
        None | Some(Value::Null) => Ok(()),
        Some(from) if from.as_f64().is_some_and(|from| from <= now + LEEWAY_SECONDS) => Ok(()),
        Some(_) => Err(refused("not valid yet")),
    }
}

/// The name is stored with messages and shown: no control characters, no endless text.
fn clean_name(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

pub(super) fn refused(reason: &'static str) -> TokenError {
    TokenError::Refused(Cow::Borrowed(reason))
}

/// The request's token: the bearer's, else the cookie's.
pub(super) fn of_request(request: &HttpRequest) -> Result<String, ApiError> {
    if let Some(token) = bearer(request)? {
        return if token.is_empty() { Err(ApiError::MissingBearer) } else { Ok(token.to_owned()) };
    }
    let cookie = request.cookie(COOKIE).filter(|cookie| !cookie.value().is_empty());
    let cookie = cookie.ok_or(ApiError::MissingBearer)?;
    if may_be_forged(request) {
        return Err(ApiError::Forbidden("another site's page may not use the cookie access_token".into()));
    }
    Ok(cookie.value().to_owned())
}

/// The bearer's token in the request's header; `None` where the header is missing or of another scheme.
pub(super) fn bearer(request: &HttpRequest) -> Result<Option<&str>, ApiError> {
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let header = header.to_str().map_err(|_| ApiError::InvalidToken("not ASCII".into()))?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

/// Browsers send cookies with what other sites' pages post, and say so.
fn may_be_forged(request: &HttpRequest) -> bool {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    !reads && request.headers().get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"cross-site")
}
