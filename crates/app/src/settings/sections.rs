//! One struct for each concern, each read in one go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use super::reader::Reader;
use super::secret::Secrets;
use super::texts::LogFormat;
use super::variables as v;

/// Where the server listens and what it logs.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `BIND_ADDR`.
    pub bind: SocketAddr,
    /// `PUBLIC_URL`.
    pub public_url: Option<Url>,
    /// `HTTP_MAX_CONNECTIONS`.
    pub max_connections: u32,
    /// `HTTP_REQUEST_SECONDS`: for the head of a request, and again for its body.
    pub request_within: Duration,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `RUST_LOG`.
    pub log_filter: String,
    /// `OUTBOUND_TEST_CLOCK_FILE`.
    pub test_clock: Option<PathBuf>,
    /// `HTTP_GRACE_SECONDS`.
    pub grace: TimeDelta,
}

impl ServerSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let bind = reader.required(&v::BIND_ADDR);
        let public_url = reader.optional(&v::PUBLIC_URL);
        let max_connections = reader.required(&v::HTTP_MAX_CONNECTIONS);
        let request_within = reader.required(&v::HTTP_REQUEST_SECONDS);
        let log_format = reader.required(&v::LOG_FORMAT);
        let log_filter = reader.required(&v::RUST_LOG);
        let test_clock = reader.optional(&v::OUTBOUND_TEST_CLOCK_FILE);
        let grace = reader.required(&v::HTTP_GRACE_SECONDS);
        Some(Self {
            bind: bind?,
            public_url,
            max_connections: max_connections?,
            request_within: request_within?.to_std().ok()?,
            log_format: log_format?,
            log_filter: log_filter?,
            test_clock,
            grace: grace?,
        })
    }

    /// Whether people and N8N reach the server by TLS: something in front of it speaks that.
    pub fn is_behind_tls(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

/// Where traces go.
#[derive(Clone)]
pub struct TraceSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`; without it nothing is traced.
    pub endpoint: Option<Url>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub headers: BTreeMap<String, String>,
    /// `OTEL_TRACES_SAMPLER_ARG`, from 0 to 1.
    pub share: f64,
}

impl TraceSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let endpoint = reader.optional(&v::OTEL_EXPORTER_OTLP_ENDPOINT);
        let headers = reader.optional(&v::OTEL_EXPORTER_OTLP_HEADERS).unwrap_or_default();
        Some(Self { endpoint, headers, share: reader.required(&v::OTEL_TRACES_SAMPLER_ARG)? })
    }
}

impl std::fmt::Debug for TraceSettings {
    /// Without address and headers, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceSettings").field("share", &self.share).finish_non_exhaustive()
    }
}

/// Which database, and how it is used.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`; without it the private PostgreSQL is used.
    pub url: Option<String>,
    /// `DB_POOL_SIZE`.
    pub pool_size: u32,
    /// `RETENTION_DAYS`; 0 keeps everything.
    pub retention_days: u32,
    /// `PG_BIN_DIR`.
    pub pg_bin_dir: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.optional(&v::DATABASE_URL);
        let pool_size = reader.required(&v::DB_POOL_SIZE);
        let retention_days = reader.required(&v::RETENTION_DAYS);
        let pg_bin_dir = reader.optional(&v::PG_BIN_DIR);
        Some(Self { url, pool_size: pool_size?, retention_days: retention_days?, pg_bin_dir })
    }
}

impl std::fmt::Debug for DatabaseSettings {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// Who may come in.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// `JWT_SECRET`.
    pub jwt_secret: Option<Secrets>,
    /// `JWT_JWKS_URL`.
    pub jwks_url: Option<Url>,
    /// `JWT_ISSUER`.
    pub jwt_issuer: Option<String>,
    /// `JWT_AUDIENCE`.
    pub jwt_audience: Option<String>,
    /// `WORKER_SECRET`.
    pub worker_secret: Option<Secrets>,
    /// `N8N_CALLBACK_SECRET`.
    pub callback_secret: Option<Secrets>,
    /// `SERVICE_TOKEN`.
    pub service_token: Option<Secrets>,
    /// `METRICS_TOKEN`.
    pub metrics_token: Option<Secrets>,
    /// `API_RATE_LIMIT_PER_SECOND`.
    pub requests_per_second: Option<NonZeroU32>,
}

impl AccessSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            jwt_secret: reader.optional(&v::JWT_SECRET),
            jwks_url: reader.optional(&v::JWT_JWKS_URL),
            jwt_issuer: reader.optional(&v::JWT_ISSUER),
            jwt_audience: reader.optional(&v::JWT_AUDIENCE),
            worker_secret: reader.optional(&v::WORKER_SECRET),
            callback_secret: reader.optional(&v::N8N_CALLBACK_SECRET),
            service_token: reader.optional(&v::SERVICE_TOKEN),
            metrics_token: reader.optional(&v::METRICS_TOKEN),
            requests_per_second: reader.required(&v::API_RATE_LIMIT_PER_SECOND).flatten(),
        }
    }

    /// What is closed for want of a secret, one line each, for the log.
    pub fn closed(&self) -> Vec<&'static str> {
        let people = self.jwt_secret.is_some() || self.jwks_url.is_some();
        [
            (people, "JWT_SECRET and JWT_JWKS_URL are not set: nobody can use /api with a bearer token"),
            (self.worker_secret.is_some(), "WORKER_SECRET is not set: /api/worker/outbound is closed"),
            (
                self.callback_secret.is_some(),
                "N8N_CALLBACK_SECRET is not set: callbacks by plain secret are refused",
            ),
            (
                self.service_token.is_some(),
                "SERVICE_TOKEN is not set: the CRM's service endpoints are closed",
            ),
        ]
        .into_iter()
        .filter_map(|(open, line)| (!open).then_some(line))
        .collect()
    }
}

/// Where N8N is.
#[derive(Debug, Clone)]
pub struct N8nSettings {
    /// `N8N_WEBHOOK_URL`.
    pub webhook_url: Option<Url>,
    /// `N8N_WEBHOOK_SECRET`.
    pub webhook_secret: Option<Secrets>,
    /// `N8N_TIMEOUT_SECONDS`.
    pub timeout: TimeDelta,
    /// `N8N_MAX_PER_SECOND`.
    pub max_per_second: Option<NonZeroU32>,
    /// `N8N_SIMULATOR`.
    pub simulator: bool,
}

impl N8nSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let webhook_url = reader.optional(&v::N8N_WEBHOOK_URL);
        let webhook_secret = reader.optional(&v::N8N_WEBHOOK_SECRET);
        let timeout = reader.required(&v::N8N_TIMEOUT_SECONDS);
        let max_per_second = reader.required(&v::N8N_MAX_PER_SECOND);
        let simulator = reader.required(&v::N8N_SIMULATOR);
        Some(Self {
            webhook_url,
            webhook_secret,
            timeout: timeout?,
            max_per_second: max_per_second?,
            simulator: simulator?,
        })
    }
}

/// What a run of the worker does when it is not told otherwise, and when the server runs it by itself.
#[derive(Debug, Clone, Copy)]
pub struct WorkerSettings {
    /// `WORKER_BATCH_SIZE`.
    pub batch_size: u32,
    /// `WORKER_CONCURRENCY`.
    pub concurrency: u32,
    /// `WORKER_INTERVAL_SECONDS`; `None` runs it only on request.
    pub interval: Option<TimeDelta>,
}

impl WorkerSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let batch_size = reader.required(&v::WORKER_BATCH_SIZE);
        let concurrency = reader.required(&v::WORKER_CONCURRENCY);
        let interval = reader.required(&v::WORKER_INTERVAL_SECONDS)?;
        let interval = (interval > TimeDelta::zero()).then_some(interval);
        Some(Self { batch_size: batch_size?, concurrency: concurrency?, interval })
    }
}
