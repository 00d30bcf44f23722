//! The names of all metrics, with what they mean: the one list of them.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Times, sorted into buckets.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it means, for whoever reads `/metrics`.
    pub(super) help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident = $name:literal, $help:expr;)+) => {
        $(pub(super) const $constant: Metric = Metric { name: $name, kind: Kind::$kind, help: $help };)+

        /// Every metric.
        pub(super) const ALL: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    BUILD_INFO: Gauge = "outbound_build_info", "Always 1; the label says which version runs.";
    QUEUE_MESSAGES: Gauge = "outbound_queue_messages",
        "Messages that wait: due now, or later. Counted up to 10000 for each line.";
    QUEUE_OLDEST: Gauge = "outbound_queue_oldest_due_age_seconds",
        "For how long the message that is longest due has been due; 0 when none is.";
    LIMIT_LEFT: Gauge = "outbound_rate_limit_left",
        "How many more messages the limit over all messages lets out now. Not there without such a limit.";
    CIRCUIT: Gauge = "outbound_circuit_state", "The circuit to N8N: 0 closed, 1 half open, 2 open.";
    QUIET_HOURS: Gauge = "outbound_quiet_hours", "Whether a channel has quiet hours now.";
    DATABASE_UP: Gauge = "outbound_database_up",
        "Whether the queue, the limit and the circuit could be read; when not, theirs are NaN.";
    POOL_IN_USE: Gauge = "outbound_db_pool_in_use", "Connections to the database that are in use.";
    POOL_OPEN: Gauge = "outbound_db_pool_open", "Connections to the database that are open.";
    POOL_SIZE: Gauge = "outbound_db_pool_size", "Connections to the database that there may be (DB_POOL_SIZE).";
    POOL_WAITING: Gauge = "outbound_db_pool_waiting", "Callers that wait for a connection to the database.";
    LEASED: Counter = "outbound_messages_leased_total", "Messages that runs of this process leased.";
    LEASE_SECONDS: Histogram = "outbound_lease_duration_seconds",
        "How long a lease took in the database, whether it found messages or not.";
    HAND_OFFS: Counter = "outbound_handoffs_total",
        "Hand-offs to N8N by outcome: accepted, settled (answered with an outcome), not_accepted, refused, unknown.";
    HAND_OFF_SECONDS: Histogram = "outbound_handoff_duration_seconds", "How long N8N took to answer a hand-off.";
    CALLBACKS: Counter = "outbound_callbacks_total",
        "Callbacks by outcome and by whether they changed their message: true, false, or error where they can't be.";
    REQUESTS: Counter = "outbound_http_requests_total", "Requests by route, method and status.";
    REQUEST_SECONDS: Histogram = "outbound_http_request_duration_seconds",
        "How long requests took to be answered, by route and method.";
}

/// The upper bounds of the histograms' buckets, in seconds: from a lease in an idle database to N8N's time limit.
pub(super) const BUCKETS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
