//! Everything that the verdict looks at: N8N's log, the harness's notes, and the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context as _;
use serde_json::Value;
use tokio_postgres::{Client, Row};

use crate::clock::History;
use crate::drain::Drained;
use crate::journal::Notes;
use crate::moment::Moment;
use crate::n8n::log::Truth;
use crate::settings::Limits;

/// One step of one message, as the database's own log has it.
#[derive(Debug, Clone)]
pub struct Step {
    /// When, by the machine's clock.
    pub at: Moment,
    /// The process that made it.
    pub process: String,
    /// The status before; `None` for the insert.
    pub from: Option<String>,
    /// The status after.
    pub to: String,
    /// RETRY, DEAD or HELD, before.
    pub from_kind: Option<String>,
    /// RETRY, DEAD or HELD, after.
    pub to_kind: Option<String>,
    /// The lease after.
    pub lease: Option<String>,
    /// The lease before.
    pub old_lease: Option<String>,
    /// When it was leased, by the server's clock.
    pub leased_at: Option<i64>,
    /// When it is due, by the server's clock.
    pub due_at: Option<i64>,
    /// The attempt after.
    pub attempt: u64,
    /// The owner.
    pub owner: Option<String>,
    /// The channel.
    pub channel: String,
}

impl Step {
    /// Whether a run took the message, by push or pull.
    pub fn is_lease(&self) -> bool {
        let waited = matches!(self.from.as_deref(), Some("QUEUED" | "FAILED"));
        self.to == "LEASED" || (self.to == "DISPATCHED" && waited)
    }

    /// Whether a run took it for a caller who hands it off.
    pub fn is_pull(&self) -> bool {
        self.is_lease() && self.to == "DISPATCHED"
    }

    /// Whether a person queued it anew.
    pub fn is_requeue(&self) -> bool {
        self.to == "QUEUED" && matches!(self.from.as_deref(), Some("FAILED" | "SKIPPED" | "CANCELLED"))
    }
}

/// A message as it is at the end.
#[derive(Debug, Clone, Default)]
pub struct MessageRow {
    /// The tag of the request that made it.
    pub tag: String,
    /// Its lead.
    pub lead: Option<String>,
    /// Its channel.
    pub channel: String,
    /// Its status.
    pub status: String,
    /// RETRY, DEAD or HELD.
    pub kind: Option<String>,
    /// The attempts that failed.
    pub retry_count: u64,
    /// When it is due.
    pub due_at: Option<i64>,
    /// When its lease or its wait ends.
    pub lease_expires_at: Option<i64>,
    /// The provider's id.
    pub provider: Option<String>,
    /// Its error.
    pub error: Option<String>,
}

/// An entry of the servers' own history.
#[derive(Debug, Clone)]
pub struct Event {
    /// What.
    pub kind: String,
    /// The status after.
    pub to: String,
    /// The attempt.
    pub attempt: u64,
    /// The lease.
    pub lease: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What the harness did and saw.
    pub notes: Notes,
    /// What N8N saw and said.
    pub truth: Truth,
    /// What the servers' clock showed.
    pub clock: History,
    /// The limits.
    pub limits: Option<Limits>,
    /// Every step, by message, in order.
    pub steps: BTreeMap<String, Vec<Step>>,
    /// Every message.
    pub messages: BTreeMap<String, MessageRow>,
    /// The servers' own history, by message, in order.
    pub events: BTreeMap<String, Vec<Event>>,
    /// Leases of runs by which an admin passed the quiet hours.
    pub through_quiet: HashSet<String>,
    /// When each run took its first messages, by its lease and by the servers' clock.
    pub runs: HashMap<String, i64>,
    /// Timelines by HTTP: status and lines.
    pub timelines: BTreeMap<String, Value>,
    /// How the end went.
    pub drained: Drained,
    /// What the servers logged that they must not.
    pub log_lines: Vec<String>,
    /// The end, by the servers' clock.
    pub end: i64,
}

const STEPS: &str = "
    select message_id::text, (extract(epoch from at) * 1e6)::bigint, coalesce(process, ''), from_status, to_status,
           from_kind, to_kind, lease_id::text, old_lease_id::text, (extract(epoch from leased_at) * 1e6)::bigint,
           (extract(epoch from next_attempt_at) * 1e6)::bigint, attempt, owner_id, channel
    from chaos.audit order by n";
const MESSAGES: &str = "
    select m.id::text, coalesce(m.notification_id, ''), m.lead_id, m.channel, d.status, d.failure_kind, d.retry_count,
           (extract(epoch from d.next_attempt_at) * 1e6)::bigint,
           (extract(epoch from d.lease_expires_at) * 1e6)::bigint, d.provider_message_id, d.error
    from outbound_message m left join outbound_delivery d on d.message_id = m.id";
const EVENTS: &str = "
    select message_id::text, kind, to_status, attempt, lease_id::text from outbound_event order by message_id, id";
const RUNS: &str = "
    select lease_id::text, ignored_quiet_hours, (extract(epoch from started_at) * 1e6)::bigint from outbound_run";

impl Evidence {
    /// Reads the database's part.
    pub async fn read(&mut self, client: &Client) -> anyhow::Result<()> {
        for row in client.query(STEPS, &[]).await.context("the log of steps")? {
            self.steps.entry(row.get(0)).or_default().push(step(&row));
        }
        for row in client.query(MESSAGES, &[]).await.context("the messages")? {
            self.messages.insert(row.get(0), message(&row));
        }
        for row in client.query(EVENTS, &[]).await.context("the history")? {
            let event =
                Event { kind: row.get(1), to: row.get(2), attempt: number(&row, 3), lease: row.get(4) };
            self.events.entry(row.get(0)).or_default().push(event);
        }
        for row in client.query(RUNS, &[]).await.context("the runs")? {
            let lease: String = row.get(0);
            if row.get(1) {
                self.through_quiet.insert(lease.clone());
            }
            self.runs.insert(lease, row.get(2));
        }
        Ok(())
    }

    /// The servers' clock at a moment.
    pub fn server(&self, at: Moment) -> i64 {
        self.clock.at(at)
    }

    /// Every lease of every message, with its message.
    pub fn leases(&self) -> impl Iterator<Item = (&String, &Step)> {
        self.steps
            .iter()
            .flat_map(|(id, steps)| steps.iter().filter(|step| step.is_lease()).map(move |step| (id, step)))
    }
}

fn step(row: &Row) -> Step {
    Step {
        at: Moment(row.get(1)),
        process: row.get(2),
        from: row.get(3),
        to: row.get(4),
        from_kind: row.get(5),
        to_kind: row.get(6),
        lease: row.get(7),
        old_lease: row.get(8),
        leased_at: row.get(9),
        due_at: row.get(10),
        attempt: number(row, 11),
        owner: row.get(12),
        channel: row.get(13),
    }
}

fn message(row: &Row) -> MessageRow {
    MessageRow {
        tag: row.get(1),
        lead: row.get(2),
        channel: row.get(3),
        // Without its second row it has no status at all, and the verdict will say so.
        status: row.get::<_, Option<String>>(4).unwrap_or_default(),
        kind: row.get(5),
        retry_count: row.get::<_, Option<i32>>(6).and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
        due_at: row.get(7),
        lease_expires_at: row.get(8),
        provider: row.get(9),
        error: row.get(10),
    }
}

fn number(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i32>(column)).unwrap_or(0)
}
