//! What is not counted on the way but read from the database when somebody asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::channel::Channel;
use domain::message::Priority;
use domain::policy::circuit::CircuitLabel;
use domain::ports::{Clock, RunStore as _, StoreError};
use domain::rules::Rules;
use metrics::{Gauge, Label};
use storage_pg::{Backlog, PgStore};
use tokio::sync::Mutex;

use super::names as n;
use super::registry::Registry;
use crate::engine::Engine;

/// The database is read at most this often, however many ask.
const EVERY: Duration = Duration::from_secs(5);
/// The longest that whoever asks waits for the database; the counters are there without it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How far each line of the queue is counted.
const MOST_COUNTED: u32 = 10_000;

/// Reads the queue, the limit, the circuit and the pool.
pub(super) struct Readings {
    store: PgStore,
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    read_at: Mutex<Option<Instant>>,
    lines: Vec<Line>,
    limit_left: Option<Gauge>,
    circuit: Gauge,
    quiet: Vec<(Channel, Gauge)>,
    database_up: Gauge,
    pool: Pool,
}

/// The gauges of one channel and priority.
struct Line {
    channel: Channel,
    priority: Priority,
    due: Gauge,
    later: Gauge,
    oldest: Gauge,
}

struct Pool {
    in_use: Gauge,
    open: Gauge,
    size: Gauge,
    waiting: Gauge,
}

impl Readings {
    pub(super) fn new(store: PgStore, engine: &Engine, registry: &Registry) -> Self {
        let pairs = Channel::ALL
            .iter()
            .flat_map(|channel| Priority::ALL.iter().map(move |priority| (*channel, *priority)));
        let gauge = |metric| registry.gauge(metric, Vec::new());
        Self {
            store,
            clock: Arc::clone(&engine.clock),
            rules: Arc::clone(&engine.rules),
            read_at: Mutex::new(None),
            lines: pairs.map(|(channel, priority)| Line::new(channel, priority, registry)).collect(),
            limit_left: engine.rules.limits.global.get().map(|_| gauge(n::LIMIT_LEFT)),
            circuit: gauge(n::CIRCUIT),
            quiet: Channel::ALL.iter().map(|channel| (*channel, quiet(*channel, registry))).collect(),
            database_up: gauge(n::DATABASE_UP),
            pool: Pool {
                in_use: gauge(n::POOL_IN_USE),
                open: gauge(n::POOL_OPEN),
                size: gauge(n::POOL_SIZE),
                waiting: gauge(n::POOL_WAITING),
            },
        }
    }

    /// Brings the gauges up to date, the database's not more often than [`EVERY`]. Those who ask at the same time
    /// share one look.
    pub(super) async fn read(&self) {
        let pool = self.store.pool_status();
        self.pool.in_use.set(pool.in_use as f64);
        self.pool.open.set(pool.open as f64);
        self.pool.size.set(pool.most as f64);
        self.pool.waiting.set(pool.waiting as f64);
        let now = self.clock.now();
        for (channel, gauge) in &self.quiet {
            gauge.set(f64::from(u8::from(self.rules.quiet_hours.closed_until(*channel, now).is_some())));
        }
        let mut read_at = self.read_at.lock().await;
        if read_at.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        match tokio::time::timeout(PATIENCE, self.read_database()).await {
            Ok(Ok(())) => self.database_up.set(1.0),
            Ok(Err(error)) => self.unknown(&error.to_string()),
            Err(_) => self.unknown("no answer in time"),
        }
        *read_at = Some(Instant::now());
    }

    async fn read_database(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for Backlog { channel, priority, due, later, oldest_due_at } in
            self.store.backlog(now, MOST_COUNTED).await?
        {
            let found = self.lines.iter().find(|line| (line.channel, line.priority) == (channel, priority));
            let Some(line) = found else { continue };
            line.due.set(due);
            line.later.set(later);
            let age = oldest_due_at.map_or(0, |at| (now - at).num_milliseconds());
            line.oldest.set(age as f64 / 1_000.0);
        }
        if let (Some(gauge), Some(left)) =
            (&self.limit_left, self.store.limit_left(&self.rules.limits, now).await?)
        {
            gauge.set(left);
        }
        self.circuit.set(match self.store.circuit().await?.circuit.label(now) {
            CircuitLabel::Closed => 0,
            CircuitLabel::HalfOpen => 1,
            CircuitLabel::Open => 2,
        });
        Ok(())
    }

    /// What was read before says nothing about now.
    fn unknown(&self, why: &str) {
        tracing::warn!(why, "the metrics of the database could not be read");
        self.database_up.set(0.0);
        let lines = self.lines.iter().flat_map(|line| [&line.due, &line.later, &line.oldest]);
        for gauge in lines.chain(&self.limit_left).chain([&self.circuit]) {
            gauge.set(f64::NAN);
        }
    }
}

fn quiet(channel: Channel, registry: &Registry) -> Gauge {
    registry.gauge(n::QUIET_HOURS, vec![Label::from_static_parts("channel", channel.as_str())])
}

impl Line {
    fn new(channel: Channel, priority: Priority, registry: &Registry) -> Self {
        let labels = || {
            vec![
                Label::from_static_parts("channel", channel.as_str()),
                Label::from_static_parts("priority", priority.as_str()),
            ]
        };
        let messages = |state| {
            let mut labels = labels();
            labels.push(Label::from_static_parts("state", state));
            registry.gauge(n::QUEUE_MESSAGES, labels)
        };
        Self {
            channel,
            priority,
            due: messages("due"),
            later: messages("later"),
            oldest: registry.gauge(n::QUEUE_OLDEST, labels()),
        }
    }
}
