//! Where N8N is and how to speak to it.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::signature::Secret;

/// The settings of the way to N8N (contract §11). The application reads them; see [`crate::N8nGateway::new`].
pub struct N8nSettings {
    /// `N8N_WEBHOOK_URL`.
    pub webhook_url: String,
    /// `N8N_TIMEOUT_SECONDS`: the longest a hand-off may take, from connecting to the end of the answer.
    pub timeout: Duration,
    /// `N8N_WEBHOOK_SECRET`, each of which signs; empty leaves hand-offs unsigned.
    pub secrets: Vec<Secret>,
    /// Where N8N calls back, from `PUBLIC_URL`; handed off as `callbackUrl`.
    pub callback_url: Option<String>,
    /// `N8N_MAX_PER_SECOND`: how many hand-offs this process starts in a second; `None` for no limit.
    pub max_per_second: Option<NonZeroU32>,
}

/// Why no way to N8N can be set up.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No address to post to.
    #[error("must be an http:// or https:// address")]
    NotAUrl,
    /// The HTTP client can't be set up, for instance because the system's certificates can't be read.
    #[error("the HTTP client can't be set up: {0}")]
    Client(String),
}
