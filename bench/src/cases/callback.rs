//! Callbacks that come one by one, on many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{OURS, say};
use crate::effort::{Effort, Efforts};
use crate::figures::{Bar, Row};
use crate::fill::{self, Messages, Stand};
use crate::load::{Script, drive, expect};
use crate::pgbench::{self, SETTLE_1};
use crate::server::Server;
use crate::sink::callback;
use crate::world::World;

/// Settles the next message that nobody has settled.
struct Settle {
    next: Arc<AtomicU32>,
    count: u32,
}

impl Script for Settle {
    fn next(&mut self) -> Option<Vec<u8>> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        (n <= self.count).then(|| callback(&fill::id(n)))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        anyhow::ensure!(body.ends_with(b"\"applied\":true}"), "not applied");
        Ok(1)
    }
}

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let (mut ours, mut against, mut efforts) = (Vec::new(), Vec::new(), Efforts::default());
    let count = 35_000 * u32::try_from(world.size.seconds)?;
    for round in 0..world.size.rounds {
        pgbench::fill(world, count, "leased").await?;
        against.push(pgbench::run(world, SETTLE_1, world.size.seconds).await?);
        say("callback", round, "raw settled/s", against.last().copied().unwrap_or_default());
        fill::empty(&client).await?;
        let handed_off = Messages { count, stand: Stand::HandedOff, ..Messages::default() };
        fill::messages(&client, &[handed_off]).await?;
        let next = Arc::new(AtomicU32::new(1));
        let scripts = (0..16).map(|_| Settle { next: next.clone(), count }).collect();
        let before = Effort::now(world, &[&server])?;
        let load = drive(&[server.address], scripts, world.size.time()).await?;
        efforts.push(before, Effort::now(world, &[&server])?, load.done as f64);
        say("callback", round, "ours settled/s", load.rate());
        ours.push(load.rate());
    }
    server.stop().await?;
    let bar = Bar::AtLeast { must: 0.5, aim: 1.2 };
    let mut rows = vec![Row::ratio("callbacks singly, 16 connections", "callbacks/s", ours, against, bar)];
    rows.extend(efforts.rows("callbacks singly"));
    Ok(rows)
}
