//! A long time at half of the top rate with steady inserts: speed, tables and memory stay as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::pull::Cycle;
use super::{OURS, pull, say};
use crate::figures::{Bar, Row, median};
use crate::fill::{self, Messages};
use crate::load::{Script, drive};
use crate::server::Server;
use crate::world::World;

/// How often tables and memory are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How often messages are added.
const ADD: Duration = Duration::from_millis(100);
/// What is kept of the settled: it is removed as with RETENTION_DAYS, so that the tables are bounded.
const KEEP: &str = "5 seconds";
const CLIENTS: usize = 4;

/// A cycle that counts what it does.
struct Counted {
    cycle: Cycle,
    done: Arc<AtomicU64>,
}

impl Script for Counted {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.cycle.next()
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        let done = self.cycle.answered(status, body)?;
        self.done.fetch_add(done, Ordering::Relaxed);
        Ok(done)
    }

    fn is_midway(&self) -> bool {
        self.cycle.is_midway()
    }
}

/// What a look saw.
struct Look {
    rate: f64,
    size: f64,
    memory: f64,
}

pub async fn run(world: &World, time: Duration) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let top = pull::measure(world, &client, &[&server], 50, CLIENTS).await?.load.rate();
    say("soak", 0, "top rate, messages/s", top);
    fill::empty(&client).await?;
    fill::settle(&client).await?;
    let adding = world.client(OURS).await?;
    let next = Arc::new(AtomicU32::new(1));
    let a_time = (top / 2.0 * ADD.as_secs_f64()) as u32;
    let done = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + time;
    let add = async {
        while Instant::now() < end {
            let from = next.fetch_add(a_time, Ordering::Relaxed);
            let began = Instant::now();
            fill::add(&adding, &Messages { from, count: a_time, ..Messages::default() }).await?;
            tokio::time::sleep(ADD.saturating_sub(began.elapsed())).await;
        }
        anyhow::Ok(())
    };
    let work = async {
        while Instant::now() < end {
            let scripts = (0..CLIENTS)
                .map(|_| Counted { cycle: Cycle::while_there_is(50), done: done.clone() })
                .collect();
            drive(&[server.address], scripts, Duration::from_secs(1)).await?;
        }
        anyhow::Ok(())
    };
    let (_, (), looks) = tokio::try_join!(add, work, look(&client, &server, &done, end))?;
    server.stop().await?;
    world.drop(OURS).await?;
    Ok(rows(&looks))
}

async fn look(client: &Client, server: &Server, done: &AtomicU64, end: Instant) -> anyhow::Result<Vec<Look>> {
    let mut looks = Vec::new();
    while Instant::now() + LOOK <= end {
        let (began, before) = (Instant::now(), done.load(Ordering::Relaxed));
        while began.elapsed() < LOOK {
            purge(client).await?;
            fill::forget_limits(client).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let rate = (done.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        let size = client.query_one("select pg_database_size(current_database())", &[]).await?;
        let size = size.get::<_, i64>(0) as f64 / 1e6;
        let memory = server.memory()?.0;
        say(
            "soak",
            looks.len(),
            &format!("{size:.0} MB of tables, {memory:.0} MB resident, messages/s"),
            rate,
        );
        looks.push(Look { rate, size, memory });
    }
    Ok(looks)
}

/// Retention, in steps.
async fn purge(client: &Client) -> anyhow::Result<()> {
    let purge = format!("select outbound_purge_messages_v1(now() - interval '{KEEP}', 500)");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        if client.query_one(&purge, &[]).await?.get::<_, i32>(0) < 500 {
            break;
        }
    }
    Ok(())
}

/// The last fifth against the first fifth, after the very first look.
fn rows(looks: &[Look]) -> Vec<Row> {
    let part = (looks.len() / 5).max(1);
    let part_of = |of: fn(&Look) -> f64, last: bool| -> f64 {
        let figures: Vec<f64> = looks.iter().skip(1).map(of).collect();
        let from = if last { figures.len().saturating_sub(part) } else { 0 };
        median(figures.get(from..(from + part).min(figures.len())).unwrap_or_default())
    };
    let row = |what: &str, unit, of: fn(&Look) -> f64, bar| {
        Row::ratio(
            format!("soak: {what}, last minutes / first"),
            unit,
            vec![part_of(of, true)],
            vec![part_of(of, false)],
            bar,
        )
    };
    vec![
        row("messages settled", "messages/s", |look| look.rate, Bar::AtLeast { must: 0.9, aim: 0.98 }),
        row("size of the database", "MB", |look| look.size, Bar::AtMost { must: 1.5, aim: 1.1 }),
        row("resident memory", "MB", |look| look.memory, Bar::AtMost { must: 1.2, aim: 1.05 }),
    ]
}
