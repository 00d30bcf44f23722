//! What the servers are started with.

use std::path::Path;

use crate::hours;
use crate::options::Options;

/// `JWT_SECRET`.
pub const JWT_SECRET: &str = "chaos-jwt-secret-0123456789abcdef";
/// `WORKER_SECRET`.
pub const WORKER_SECRET: &str = "chaos-worker-secret-0123456789";
/// `N8N_CALLBACK_SECRET`.
pub const CALLBACK_SECRET: &str = "chaos-callback-secret-0123456789";
/// `SERVICE_TOKEN`.
pub const SERVICE_TOKEN: &str = "chaos-service-token-0123456789";
/// `WORKER_LEASE_SECONDS`.
pub const LEASE_SECONDS: u64 = 8;

/// The limits that a run holds the servers to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `WORKER_RATE_LIMIT_PER_MIN`.
    pub global: usize,
    /// `WORKER_RATE_LIMIT_PER_OWNER_PER_MIN`.
    pub per_owner: usize,
}

/// The environment of every server, besides its address and database.
pub fn environment(options: &Options, webhook: &str, clock: &Path) -> Vec<(String, String)> {
    let (lease, callback) = (LEASE_SECONDS.to_string(), options.callback_seconds.to_string());
    let (global, per_owner) = (options.limits.global.to_string(), options.limits.per_owner.to_string());
    let clock = clock.to_string_lossy();
    let pool = (60 / options.servers.max(1)).clamp(4, 10).to_string();
    let own = [
        ("N8N_WEBHOOK_URL", webhook),
        ("JWT_SECRET", JWT_SECRET),
        ("WORKER_SECRET", WORKER_SECRET),
        ("N8N_CALLBACK_SECRET", CALLBACK_SECRET),
        ("SERVICE_TOKEN", SERVICE_TOKEN),
        ("WORKER_INTERVAL_SECONDS", "1"),
        ("WORKER_LEASE_SECONDS", &lease),
        ("WORKER_MAX_RUN_SECONDS", "20"),
        ("N8N_TIMEOUT_SECONDS", "2"),
        ("CALLBACK_TIMEOUT_SECONDS", &callback),
        ("WORKER_RATE_LIMIT_PER_MIN", &global),
        ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", &per_owner),
        ("RETRY_BACKOFF", "2s,3s,5s"),
        ("CIRCUIT_FAILURES", "5"),
        ("CIRCUIT_OPEN_SECONDS", "3"),
        ("DB_POOL_SIZE", &pool),
        ("OUTBOUND_TEST_CLOCK_FILE", &clock),
        ("RUST_BACKTRACE", "1"),
    ];
    let all = own.into_iter().chain(hours::settings());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
