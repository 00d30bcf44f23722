//! What is reached over HTTP: N8N, and the published keys.

use std::time::Duration;

use delivery_n8n::{Reached, reach};
use http_api::JwksSource as _;
use serde_json::Value;

use super::report::Check;
use crate::jwks::PublishedKeys;
use crate::settings::Settings;

const N8N: &str = "n8n";
const KEYS: &str = "keys";
/// The longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether N8N answers; nothing is handed to it.
pub(super) async fn check(settings: &Settings) -> Check {
    let n8n = &settings.n8n;
    if n8n.simulator {
        return Check::warn(
            N8N,
            "it is simulated: nothing is sent to anybody",
            "set N8N_SIMULATOR=off for real",
        );
    }
    let Some(url) = &n8n.webhook_url else {
        let advice = "set N8N_WEBHOOK_URL, unless N8N pulls its batches (docs/N8N.md)";
        return Check::warn(N8N, "N8N_WEBHOOK_URL is not set: the worker can't push", advice);
    };
    let timeout = n8n.timeout.to_std().map_or(PATIENCE, |timeout| timeout.min(PATIENCE));
    match reach(url.as_str(), timeout).await {
        Ok(Reached { status: status @ 500.., .. }) => Check::warn(
            N8N,
            format!("it answers {status}"),
            "see N8N's own log, and whether a proxy in front of it can reach it",
        ),
        Ok(Reached { status, took }) => {
            Check::ok(N8N, format!("it answers ({status}) in {:.1} ms", took.as_secs_f64() * 1_000.0))
        }
        Err(error) => Check::fail(
            N8N,
            format!("it can't be reached: {error}"),
            "see that N8N runs, that N8N_WEBHOOK_URL is right, and that a firewall lets this machine through",
        ),
    }
}

/// Whether the keys that check tokens can be fetched, where there is an address for them.
pub(super) async fn published_keys(settings: &Settings) -> Option<Check> {
    let url = settings.access.jwks_url.clone()?;
    let fetched = match PublishedKeys::new(url) {
        Ok(keys) => keys.fetch().await,
        Err(error) => Err(format!("{error:#}")),
    };
    let keys = fetched.and_then(|text| {
        let set: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        set.get("keys")
            .and_then(Value::as_array)
            .map(Vec::len)
            .ok_or_else(|| "it is no set of keys".to_owned())
    });
    Some(match keys {
        Ok(count @ 1..) => Check::ok(KEYS, format!("JWT_JWKS_URL answers with {count} keys")),
        Ok(0) => {
            Check::fail(KEYS, "JWT_JWKS_URL answers without a key", "nobody can sign in: ask whoever runs it")
        }
        Err(error) => {
            Check::fail(KEYS, format!("JWT_JWKS_URL: {error}"), "see that it can be reached from here")
        }
    })
}
