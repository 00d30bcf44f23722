//! Who may come in (contract §10): tokens, shared secrets, and the brake on those who guess them.

mod jwks;
mod nearby;
mod secrets;
mod throttle;
mod token;

use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use domain::access::Caller;

pub use self::jwks::{ByAlgorithm, Expected, Jwks, JwksSource};
pub use self::secrets::Secrets;
use self::throttle::{Pace, Throttle};
pub use self::token::{Hs256, TokenError, TokenVerifier};
use crate::error::ApiError;

/// The header of the worker secret.
const WORKER_SECRET: &str = "x-worker-secret";
/// The header of the callback secret.
const CALLBACK_SECRET: &str = "x-callback-secret";
/// The header of the service token.
const SERVICE_TOKEN: &str = "x-service-token";

/// Whoever holds the service token, among those whose requests are counted: no user's id has a control character.
const SERVICE: &str = "\n";

/// The settings that open endpoints; what is `None` closes its endpoints.
#[derive(Clone, Default)]
pub struct AuthSettings {
    /// `JWT_SECRET` or `JWT_JWKS_URL`.
    pub tokens: Option<Arc<dyn TokenVerifier>>,
    /// `WORKER_SECRET`.
    pub worker: Option<Secrets>,
    /// `N8N_CALLBACK_SECRET`.
    pub callback: Option<Secrets>,
    /// `SERVICE_TOKEN`.
    pub service: Option<Secrets>,
    /// `METRICS_TOKEN`.
    pub metrics: Option<Secrets>,
    /// Whether something stands in front of the server (`PUBLIC_URL`): then a request that comes from this machine may
    /// be anybody's.
    pub is_fronted: bool,
    /// `API_RATE_LIMIT_PER_SECOND`: how many requests one user, or the holders of the service token, may make.
    pub requests_per_second: Option<NonZeroU32>,
}

/// Checks tokens and secrets.
pub struct Gate {
    settings: AuthSettings,
    throttle: Throttle,
    pace: Option<Pace>,
}

impl Gate {
    /// A gate with these settings.
    pub fn new(settings: AuthSettings) -> Self {
        let pace = settings.requests_per_second.map(Pace::new);
        Self { settings, throttle: Throttle::new(), pace }
    }

    /// Whoever holds the request's token.
    pub(crate) async fn caller(&self, request: &HttpRequest, now: DateTime<Utc>) -> Result<Caller, ApiError> {
        let Some(verifier) = &self.settings.tokens else { return Err(closed("JWT_SECRET")) };
        let token = token::of_request(request)?;
        let caller = verifier.verify(&token, now).await.map_err(|error| match error {
            TokenError::Refused(reason) => ApiError::InvalidToken(reason),
            TokenError::Unavailable(cause) => ApiError::Unavailable(cause),
        })?;
        self.pace(caller.subject.as_str())?;
        Ok(caller)
    }

    /// Lets the holder of the worker secret in.
    pub(crate) fn worker(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let secrets = self.settings.worker.as_ref().ok_or_else(|| closed("WORKER_SECRET"))?;
        match self.check(request, WORKER_SECRET, secrets)? {
            Presented::Right => Ok(()),
            Presented::Wrong => Err(ApiError::Forbidden("the worker secret is wrong".into())),
            Presented::Missing => Err(ApiError::Forbidden("the header x-worker-secret is needed".into())),
        }
    }

    /// Whether the request carries the callback secret: false when it carries none at all, so that a signature may
    /// stand in for it.
    pub(crate) fn callback(&self, request: &HttpRequest) -> Result<bool, ApiError> {
        if !request.headers().contains_key(CALLBACK_SECRET) {
            return Ok(false);
        }
        let secrets = self.settings.callback.as_ref().ok_or_else(|| closed("N8N_CALLBACK_SECRET"))?;
        match self.check(request, CALLBACK_SECRET, secrets)? {
            Presented::Right => Ok(true),
            Presented::Wrong | Presented::Missing => {
                Err(ApiError::Forbidden("the callback secret is wrong".into()))
            }
        }
    }

    /// Why a request with neither the callback secret nor a signature is turned away.
    pub(crate) fn no_callback_secret(&self) -> ApiError {
        match self.settings.callback {
            Some(_) => ApiError::Forbidden("the header x-callback-secret, or a signature, is needed".into()),
            None => closed("N8N_CALLBACK_SECRET"),
        }
    }

    /// Counts a wrong guess that was not a header's secret, such as a signature, against the address.
    pub(crate) fn wrong_guess(&self, request: &HttpRequest) -> Result<(), ApiError> {
        self.throttle.wrong(request.peer_addr().map(|address| address.ip()))
    }

    /// Whether the request carries the service token: false when it carries none at all, so that other credentials
    /// may stand in for it.
    pub(crate) fn service_token(&self, request: &HttpRequest) -> Result<bool, ApiError> {
        if !request.headers().contains_key(SERVICE_TOKEN) {
            return Ok(false);
        }
        let secrets = self.settings.service.as_ref().ok_or_else(|| closed("SERVICE_TOKEN"))?;
        match self.check(request, SERVICE_TOKEN, secrets)? {
            Presented::Right => self.pace(SERVICE).map(|()| true),
            Presented::Wrong | Presented::Missing => Err(ApiError::InvalidServiceToken),
        }
    }

    /// Lets the holder of the service token in.
    pub(crate) fn service(&self, request: &HttpRequest) -> Result<(), ApiError> {
        match self.service_token(request)? {
            true => Ok(()),
            false if self.settings.service.is_none() => Err(closed("SERVICE_TOKEN")),
            false => Err(ApiError::MissingServiceToken),
        }
    }

    /// Lets in whoever may read the metrics: this machine itself, or the holder of the metrics token. Not every proxy
    /// marks what it passes on, so behind one this machine shows the token too where there is one.
    pub(crate) fn metrics(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let may_be_anybody = self.settings.is_fronted && self.settings.metrics.is_some();
        if nearby::is_from_here(request) && !may_be_anybody {
            return Ok(());
        }
        let secrets = self.settings.metrics.as_ref().ok_or_else(|| closed("METRICS_TOKEN"))?;
        match token::bearer(request).ok().flatten() {
            Some(given) if secrets.has(given.as_bytes()) => Ok(()),
            Some(_) => {
                self.wrong_guess(request)?;
                Err(ApiError::Forbidden("the metrics token is wrong".into()))
            }
            None => Err(ApiError::Forbidden("the metrics token is needed, as a bearer token".into())),
        }
    }

    /// Counts a request of this caller, by the token's subject.
    ///
    /// # Errors
    /// When it is one too many (`API_RATE_LIMIT_PER_SECOND`).
    pub fn pace(&self, caller: &str) -> Result<(), ApiError> {
        self.pace.as_ref().map_or(Ok(()), |pace| pace.check(caller))
    }

    fn check(&self, request: &HttpRequest, header: &str, secrets: &Secrets) -> Result<Presented, ApiError> {
        let Some(given) = request.headers().get(header) else { return Ok(Presented::Missing) };
        if secrets.has(given.as_bytes()) {
            return Ok(Presented::Right);
        }
        self.wrong_guess(request)?;
        Ok(Presented::Wrong)
    }
}

/// What a request shows of a secret.
enum Presented {
    Right,
    Wrong,
    Missing,
}

/// A secret that is not set closes its endpoints.
fn closed(variable: &str) -> ApiError {
    ApiError::Forbidden(format!("this endpoint is closed: {variable} is not set on the server").into())
}
