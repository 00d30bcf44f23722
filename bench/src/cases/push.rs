//! Push mode: runs that hand off to a sink which answers at once and calls back singly.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{OURS, say};
use crate::effort::{Effort, Efforts};
use crate::figures::{Bar, Row};
use crate::fill::{self, Messages};
use crate::http::request;
use crate::load::{Script, drive, expect};
use crate::server::{Server, WORKER_SECRET};
use crate::sink::Sink;
use crate::world::World;

/// Hand-offs at a time.
const CONCURRENCY: usize = 20;
/// How long the last callbacks are waited for.
const DRAIN: Duration = Duration::from_secs(10);
/// What the sink is sent when it is driven alone: like the server's hand-off.
const PARCEL: &str = r#"{"messageId":"00000007-0000-7000-8000-000000000000","channel":"SMS","to":"+84900000007","text":"Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson. 0000000000000007","leadId":null,"studentId":"student-1","notificationId":null,"templateKey":null,"createdAt":"2026-01-01T00:00:00Z","leaseId":"00000007-0000-7000-8000-000000000000","attempt":1,"priority":"MEDIUM","ownerId":"owner-7","branchId":"branch-7","callbackUrl":null}"#;

struct HandOff;

impl Script for HandOff {
    fn next(&mut self) -> Option<Vec<u8>> {
        Some(request("POST", "/webhook/outbound", &[("idempotency-key", "x:1")], PARCEL))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        Ok(1)
    }
}

/// One run after the other.
struct Run;

impl Script for Run {
    fn next(&mut self) -> Option<Vec<u8>> {
        let body = format!(r#"{{"batchSize":200,"concurrency":{CONCURRENCY}}}"#);
        Some(request("POST", "/api/worker/outbound", &[("x-worker-secret", WORKER_SECRET)], &body))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        Ok(0)
    }
}

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let mut sink = Sink::start().await?;
    let server = Server::start(world, OURS, &[("N8N_WEBHOOK_URL", &sink.url())]).await?;
    let alone = Sink::start().await?;
    sink.call_back(server.address);
    let client = world.client(OURS).await?;
    let (mut ours, mut against, mut efforts) = (Vec::new(), Vec::new(), Efforts::default());
    for round in 0..world.size.rounds {
        let scripts = (0..CONCURRENCY).map(|_| HandOff).collect();
        against.push(drive(&[alone.address], scripts, world.size.time()).await?.rate());
        say("push", round, "sink alone, requests/s", against.last().copied().unwrap_or_default());
        fill::empty(&client).await?;
        let count = 25_000 * u32::try_from(world.size.seconds)?;
        fill::messages(&client, &[Messages { count, ..Messages::default() }]).await?;
        let effort = Effort::now(world, &[&server])?;
        let before = sink.counts();
        let started = Instant::now();
        drive(&[server.address], vec![Run], world.size.time()).await?;
        let mut after = sink.counts();
        while after.called_back - before.called_back < after.handed_off - before.handed_off {
            anyhow::ensure!(started.elapsed() < world.size.time() + DRAIN, "callbacks were not answered");
            tokio::time::sleep(Duration::from_millis(1)).await;
            after = sink.counts();
        }
        let done = (after.called_back - before.called_back) as f64;
        let rate = done / started.elapsed().as_secs_f64();
        efforts.push(effort, Effort::now(world, &[&server])?, done);
        say("push", round, "ours, messages/s", rate);
        ours.push(rate);
    }
    server.stop().await?;
    let bar = Bar::AtLeast { must: 0.4, aim: 0.7 };
    let case = "push mode, concurrency 20, callbacks singly; against the sink alone";
    let mut rows = vec![Row::ratio(case, "messages/s", ours, against, bar)];
    rows.extend(efforts.rows("push mode"));
    Ok(rows)
}

/// What a sink has seen.
struct Counts {
    handed_off: u64,
    called_back: u64,
}

impl Sink {
    fn counts(&self) -> Counts {
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        // In this order, so that what comes in between is not missed.
        let called_back = of(&self.called_back);
        Counts { handed_off: of(&self.handed_off), called_back }
    }
}
