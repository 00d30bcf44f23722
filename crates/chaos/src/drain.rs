//! The end of a run: everything is healed, and what is left gets its time.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::clock::ShiftedClock;
use crate::database::Database;
use crate::n8n::N8n;

const LOOK: Duration = Duration::from_millis(300);
/// Without any step for so long, the rest waits for the limits or for a later time.
const STILL: Duration = Duration::from_secs(3);
/// How often a morning may come without anything leaving, though something is due.
const MORNINGS: u32 = 3;

/// How the end went.
#[derive(Debug, Clone, Default)]
pub struct Drained {
    /// What was left, in words.
    pub left: String,
    /// Whether something was due and yet nothing moved.
    pub stalled: bool,
    /// Callbacks that no server took.
    pub pending: usize,
    /// How long it took.
    pub took: Duration,
}

/// The queue in numbers.
#[derive(Debug, Default)]
struct Queue {
    leased: i64,
    due: i64,
    later: i64,
    dispatched: i64,
    steps: i64,
}

impl Queue {
    async fn look(client: &Client, server_now: i64) -> anyhow::Result<Self> {
        let sql = "
            select count(*) filter (where status = 'LEASED'),
                   count(*) filter (where next_attempt_at <= n.at and lease_id is null),
                   count(*) filter (where next_attempt_at > n.at and lease_id is null),
                   count(*) filter (where status = 'DISPATCHED'),
                   (select coalesce(max(n), 0) from chaos.audit)
            from outbound_delivery, (select to_timestamp($1::bigint / 1e6) as at) n";
        let row = client.query_one(sql, &[&server_now]).await.context("the queue in numbers")?;
        Ok(Self {
            leased: row.get(0),
            due: row.get(1),
            later: row.get(2),
            dispatched: row.get(3),
            steps: row.get(4),
        })
    }

    const fn is_empty(&self) -> bool {
        self.leased + self.due + self.later + self.dispatched == 0
    }
}

/// Waits until nothing waits any more, helping with the clock, at most for so long.
pub async fn drain(
    database: &Database,
    n8n: &N8n,
    clock: &ShiftedClock,
    limit: Duration,
) -> anyhow::Result<Drained> {
    let client = database.connect().await?;
    let start = Instant::now();
    let (mut last, mut moved, mut mornings, mut stalled) = (-1, Instant::now(), 0, false);
    loop {
        tokio::time::sleep(LOOK).await;
        let queue = Queue::look(&client, clock.server_now()).await?;
        let pending = n8n.pending();
        if queue.steps != last {
            (last, moved, mornings) = (queue.steps, Instant::now(), 0);
        }
        let done = queue.is_empty() && pending == 0;
        if done || stalled || start.elapsed() >= limit {
            let left = format!(
                "{} due, {} later, {} leased, {} waiting for a callback, {pending} callbacks to come",
                queue.due, queue.later, queue.leased, queue.dispatched
            );
            return Ok(Drained { left, stalled, pending, took: start.elapsed() });
        }
        // What waits for the limits, for a retry, for a callback that never comes, or for the morning.
        if queue.leased == 0 && !queue.is_empty() && moved.elapsed() > STILL {
            mornings += 1;
            stalled = queue.due > 0 && mornings > MORNINGS;
            clock.jump_to_opening(Duration::from_secs(1))?;
            moved = Instant::now();
        }
    }
}
