//! Fetching the published keys that check bearer tokens (`JWT_JWKS_URL`).

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use http_api::JwksSource;
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;

/// How long fetching them may take; requests wait for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// More than any set of keys needs.
const MAX_BYTES: usize = 1024 * 1024;

/// The keys at an address.
pub(crate) struct PublishedKeys {
    client: Client,
    url: Url,
}

impl PublishedKeys {
    pub(crate) fn new(url: Url) -> anyhow::Result<Self> {
        let builder = Client::builder().timeout(TIME_LIMIT).redirect(Policy::limited(3));
        // Without TLS there is no need to read the system's certificates.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().context("JWT_JWKS_URL: the HTTP client can't be set up")?;
        Ok(Self { client, url })
    }
}

#[async_trait]
impl JwksSource for PublishedKeys {
    async fn fetch(&self) -> Result<String, String> {
        // Without the address, which may hold a secret.
        let failed = |error: reqwest::Error| error.without_url().to_string();
        let response = self.client.get(self.url.clone()).send().await.map_err(failed)?;
        let mut response = response.error_for_status().map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(format!("the answer has more than {MAX_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| "the answer is not text".to_owned())
    }
}
