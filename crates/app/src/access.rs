//! What opens the API, as the settings say: secrets, and what checks bearer tokens.

use std::sync::Arc;

use http_api::{AuthSettings, ByAlgorithm, Expected, Hs256, Jwks, TokenVerifier};

use crate::jwks::PublishedKeys;
use crate::settings::{AccessSettings, Secrets, Settings};

/// What opens the API.
pub(crate) fn auth(settings: &Settings) -> anyhow::Result<AuthSettings> {
    let access = &settings.access;
    let secrets = |secrets: &Option<Secrets>| http_api::Secrets::parse(&secrets.as_ref()?.joined());
    Ok(AuthSettings {
        tokens: tokens(access)?,
        worker: secrets(&access.worker_secret),
        callback: secrets(&access.callback_secret),
        service: secrets(&access.service_token),
        metrics: secrets(&access.metrics_token),
        is_fronted: settings.server.public_url.is_some(),
        requests_per_second: access.requests_per_second,
    })
}

/// What checks bearer tokens: a shared secret, published keys, or both, each for its own algorithms.
fn tokens(access: &AccessSettings) -> anyhow::Result<Option<Arc<dyn TokenVerifier>>> {
    let shared = access.jwt_secret.as_ref().and_then(|secrets| Hs256::parse(&secrets.joined()));
    let expected = Expected { issuer: access.jwt_issuer.clone(), audience: access.jwt_audience.clone() };
    let published = match &access.jwks_url {
        Some(url) => Some(Jwks::new(Arc::new(PublishedKeys::new(url.clone())?), expected)),
        None => None,
    };
    Ok(match (shared, published) {
        (Some(shared), Some(published)) => Some(Arc::new(ByAlgorithm { shared, published })),
        (Some(shared), None) => Some(Arc::new(shared)),
        (None, Some(published)) => Some(Arc::new(published)),
        (None, None) => None,
    })
}
