//! Bearer tokens for development and for the demo's login.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

/// Whom a token is for.
#[derive(Debug, Clone)]
pub struct Holder {
    /// `sub`.
    pub subject: String,
    /// `role`.
    pub role: Role,
    /// `branchId`.
    pub branch: Option<String>,
    /// `name`.
    pub name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    sub: &'a str,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    iat: i64,
    exp: i64,
}

/// A token that is good from now for `ttl`.
pub fn issue(secret: &str, holder: &Holder, now: DateTime<Utc>, ttl: TimeDelta) -> anyhow::Result<String> {
    let claims = Claims {
        sub: &holder.subject,
        role: holder.role.as_str(),
        branch_id: holder.branch.as_deref(),
        name: holder.name.as_deref(),
        iat: now.timestamp(),
        exp: (now + ttl).timestamp(),
    };
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}
