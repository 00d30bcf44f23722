//! Whether N8N can be reached, without handing anything to it.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::http::{address, cause, client};
use crate::settings::SettingsError;

/// How N8N answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The status of its answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// Why it could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The webhook's address is none.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
}

/// Asks the webhook's address with OPTIONS, which starts no workflow. Any answer will do.
///
/// # Errors
/// When there was no answer within `timeout`.
pub async fn reach(webhook_url: &str, timeout: Duration) -> Result<Reached, ReachError> {
    let url = address(webhook_url)?;
    let client = client(&url, timeout)?;
    let asked = Instant::now();
    let answer = client.request(Method::OPTIONS, url).send().await;
    let status = answer.map_err(|error| ReachError::NoAnswer(cause(&error)))?.status().as_u16();
    Ok(Reached { status, took: asked.elapsed() })
}
