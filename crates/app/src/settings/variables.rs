//! The table of all settings: the one source for reading them, `outbound config` and `.env.example`.

use super::kind::Kind;
use super::numbers::{PerSecond, Seconds, Share, Whole};
use super::secret::{Headers, OneOrTwo, Signing};
use super::texts::{
    Backoff, ClockFile, Folder, HttpUrl, Listen, LogFilter, LogFormats, Plain, Postgres, Quiet, Switch,
    TimeoutAction, Zone,
};

/// One setting: its name, what it takes, and what holds without it.
#[derive(Debug)]
pub(crate) struct Variable<K> {
    pub(crate) name: &'static str,
    pub(crate) section: &'static str,
    pub(crate) default: Option<&'static str>,
    pub(crate) doc: &'static str,
    pub(crate) kind: K,
}

/// A setting of any kind, as lists show it.
pub trait Entry: Sync {
    /// The environment variable.
    fn name(&self) -> &'static str;
    /// What it belongs to.
    fn section(&self) -> &'static str;
    /// What holds when it is not set, if anything.
    fn default(&self) -> Option<&'static str>;
    /// What it does.
    fn doc(&self) -> &'static str;
    /// What it takes.
    fn takes(&self) -> String;
    /// Whether its value must never be shown.
    fn is_secret(&self) -> bool;
    /// A value as it may be shown.
    fn shown(&self, text: &str) -> String;
    /// Whether it takes this text.
    fn accepts(&self, text: &str) -> bool;
}

impl<K: Kind> Entry for Variable<K> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn section(&self) -> &'static str {
        self.section
    }
    fn default(&self) -> Option<&'static str> {
        self.default
    }
    fn doc(&self) -> &'static str {
        self.doc.trim()
    }
    fn takes(&self) -> String {
        self.kind.takes()
    }
    fn is_secret(&self) -> bool {
        K::SECRET
    }
    fn shown(&self, text: &str) -> String {
        self.kind.shown(text)
    }
    fn accepts(&self, text: &str) -> bool {
        self.kind.parse(text).is_ok()
    }
}

macro_rules! variables {
    ($(section $section:literal { $($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $value:expr, $default:expr;)+ })+) => {
        $($(
            $(#[doc = $doc])+
            pub(crate) const $name: Variable<$kind> = Variable {
                name: stringify!($name),
                section: $section,
                default: $default,
                doc: concat!($($doc),+),
                kind: $value,
            };
        )+)+

        /// Every setting, in the order in which they are shown.
        pub const TABLE: &[&dyn Entry] = &[$($(&$name),+),+];
    };
}

variables! {
    section "The server" {
        /// Where the server listens.
        BIND_ADDR: Listen = Listen, Some("127.0.0.1:8080");
        /// Where N8N and people reach the server from outside; hand-offs then carry a callbackUrl.
        PUBLIC_URL: HttpUrl = HttpUrl, None;
        /// How many connections may be open; more wait until one is free.
        HTTP_MAX_CONNECTIONS: Whole = Whole::new(4, 1_000_000), Some("10000");
        /// How long a client may take to send a request's head, and then its body.
        HTTP_REQUEST_SECONDS: Seconds = Seconds(Whole::new(1, 600)), Some("30");
        /// How log lines are written.
        LOG_FORMAT: LogFormats = LogFormats, Some("text");
        /// Which log lines are written.
        RUST_LOG: LogFilter = LogFilter, Some("info,actix_server=warn");
        /// Opens /metrics beyond this machine, as a bearer token; with PUBLIC_URL on this machine too.
        METRICS_TOKEN: OneOrTwo = OneOrTwo, None;
        /// How long the server still takes requests after it was told to stop, while /readyz says so: a load balancer's
        /// time to go elsewhere.
        HTTP_GRACE_SECONDS: Seconds = Seconds(Whole::zero_is("0: none", 300)), Some("0");
    }
    section "Traces (OpenTelemetry; off unless there is an endpoint)" {
        /// The collector that traces go to, by OTLP over HTTP; /v1/traces is added.
        OTEL_EXPORTER_OTLP_ENDPOINT: HttpUrl = HttpUrl, None;
        /// Headers that the collector asks for.
        OTEL_EXPORTER_OTLP_HEADERS: Headers = Headers, None;
        /// The share of traces that are recorded.
        OTEL_TRACES_SAMPLER_ARG: Share = Share, Some("1");
    }
    section "The database" {
        /// The PostgreSQL to use; without it the server starts a private one of its own. The connection is plain unless
        /// the address ends in ?sslmode=require: then it is encrypted, and the certificate checked against this machine's
        /// authorities or those in the file that &sslrootcert=/path names.
        DATABASE_URL: Postgres = Postgres, None;
        /// How many connections the server keeps at most.
        DB_POOL_SIZE: Whole = Whole::new(2, 500), Some("10");
        /// Settled messages older than so many days are removed.
        RETENTION_DAYS: Whole = Whole::zero_is("0 keeps them", 36_500), Some("0");
        /// Where the private PostgreSQL's programs are; without it the usual places are searched.
        PG_BIN_DIR: Folder = Folder, None;
    }
    section "Access (a secret that is missing closes its endpoints; the private PostgreSQL comes with generated ones)" {
        /// Signs and checks the bearer tokens of people (HS256).
        JWT_SECRET: OneOrTwo = OneOrTwo, None;
        /// Keys that check bearer tokens (RS256, ES256, EdDSA).
        JWT_JWKS_URL: HttpUrl = HttpUrl, None;
        /// Who must have issued the tokens that those keys check (iss); set it where the provider serves others too.
        JWT_ISSUER: Plain = Plain, None;
        /// Whom those tokens must be meant for (aud, or one of it).
        JWT_AUDIENCE: Plain = Plain, None;
        /// What N8N sends as x-worker-secret to run the worker.
        WORKER_SECRET: OneOrTwo = OneOrTwo, None;
        /// What N8N sends as x-callback-secret with its callbacks.
        N8N_CALLBACK_SECRET: OneOrTwo = OneOrTwo, None;
        /// What the CRM sends as x-service-token.
        SERVICE_TOKEN: OneOrTwo = OneOrTwo, None;
        /// How many requests one user's token, or the service token, may make in a second; N8N's callbacks and runs are not counted.
        API_RATE_LIMIT_PER_SECOND: PerSecond = PerSecond, Some("off");
    }
    section "N8N" {
        /// Where messages are handed off to; without it the worker can't push.
        N8N_WEBHOOK_URL: HttpUrl = HttpUrl, None;
        /// Signs hand-offs and checks signed callbacks, as Standard Webhooks do.
        N8N_WEBHOOK_SECRET: Signing = Signing, None;
        /// The longest that a hand-off may take.
        N8N_TIMEOUT_SECONDS: Seconds = Seconds(Whole::new(1, 300)), Some("10");
        /// How many hand-offs this process starts in a second at most.
        N8N_MAX_PER_SECOND: PerSecond = PerSecond, Some("off");
        /// Stands in for N8N, for trying things out: nothing is sent to anybody.
        N8N_SIMULATOR: Switch = Switch, Some("off");
    }
    section "The worker" {
        /// How many messages a run takes when it is not told otherwise.
        WORKER_BATCH_SIZE: Whole = Whole::new(1, 200), Some("50");
        /// How many hand-offs go on at a time when a run is not told otherwise.
        WORKER_CONCURRENCY: Whole = Whole::new(1, 20), Some("5");
        /// How long a run holds its messages; at least 5 above N8N_TIMEOUT_SECONDS.
        WORKER_LEASE_SECONDS: Seconds = Seconds(Whole::new(6, 3_600)), Some("60");
        /// No hand-off starts later than this after its run's start.
        WORKER_MAX_RUN_SECONDS: Seconds = Seconds(Whole::new(1, 3_600)), Some("25");
        /// How often the server runs the worker by itself, besides when something becomes due.
        WORKER_INTERVAL_SECONDS: Seconds = Seconds(Whole::zero_is("0: only on request", 3_600)), Some("0");
        /// How long a callback is waited for.
        CALLBACK_TIMEOUT_SECONDS: Seconds = Seconds(Whole::new(1, 604_800)), Some("900");
        /// What becomes of a message whose callback never comes; retry is for an N8N that drops repeats by Idempotency-Key.
        CALLBACK_TIMEOUT_ACTION: TimeoutAction = TimeoutAction, Some("hold");
    }
    section "Rules" {
        /// The time zone of quiet hours and of local days.
        OPS_TZ: Zone = Zone, Some("Asia/Ho_Chi_Minh");
        /// When nothing goes out, in that zone's time.
        OPS_QUIET_HOURS: Quiet = Quiet, Some("21:00-08:00");
        /// The quiet hours of Zalo alone.
        OPS_QUIET_HOURS_ZALO: Quiet = Quiet, None;
        /// The quiet hours of Facebook alone.
        OPS_QUIET_HOURS_FB: Quiet = Quiet, None;
        /// The quiet hours of SMS alone.
        OPS_QUIET_HOURS_SMS: Quiet = Quiet, None;
        /// The quiet hours of call notes alone.
        OPS_QUIET_HOURS_CALL_NOTE: Quiet = Quiet, None;
        /// How many messages may go out in any 60 seconds.
        WORKER_RATE_LIMIT_PER_MIN: Whole = Whole::zero_is("0 for no limit", 1_000_000), Some("120");
        /// The same for each owner.
        WORKER_RATE_LIMIT_PER_OWNER_PER_MIN: Whole = Whole::zero_is("0 for no limit", 1_000_000), Some("30");
        /// How long failed messages wait for each retry, +-20 %.
        RETRY_BACKOFF: Backoff = Backoff, Some("2m,10m,60m");
        /// After so many failed hand-offs in a row the circuit opens and nothing is handed off.
        CIRCUIT_FAILURES: Whole = Whole::new(1, 1_000_000), Some("5");
        /// How long it stays open before one message probes.
        CIRCUIT_OPEN_SECONDS: Seconds = Seconds(Whole::new(1, 3_600)), Some("30");
        /// In how many local days, today included, a second message like the first counts as a duplicate.
        OPS_DEDUPE_WINDOW_DAYS: Whole = Whole::zero_is("0 turns the rule off", 365), Some("1");
    }
}

/// Shifts the clock by the seconds that a file holds. For tests of what takes hours; in no list.
pub(crate) const OUTBOUND_TEST_CLOCK_FILE: Variable<ClockFile> = Variable {
    name: "OUTBOUND_TEST_CLOCK_FILE",
    section: "",
    default: None,
    doc: "Shifts the clock by the seconds that the file holds.",
    kind: ClockFile,
};
