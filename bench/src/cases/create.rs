//! Messages that are queued one by one, on many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{OURS, say};
use crate::effort::{Effort, Efforts};
use crate::figures::{Bar, Row};
use crate::fill;
use crate::http::request;
use crate::load::{Script, drive, expect};
use crate::pgbench::{self, INSERT_1};
use crate::server::{Server, bearer};
use crate::world::World;

/// Queues one message after the other, each for another person.
pub struct Create {
    next: Arc<AtomicU32>,
    bearer: String,
}

impl Create {
    /// One script for each of so many connections.
    pub fn on(connections: usize) -> anyhow::Result<Vec<Self>> {
        let next = Arc::new(AtomicU32::new(1));
        let bearer = bearer()?;
        Ok((0..connections).map(|_| Self { next: next.clone(), bearer: bearer.clone() }).collect())
    }
}

impl Script for Create {
    fn next(&mut self) -> Option<Vec<u8>> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            r#"{{"channel":"SMS","templateKey":"remind_paid50","to":"+849{:08}","variables":{{"name":"Nguyễn {n}","ownerName":"Lan"}},"ownerId":"owner-{}","branchId":"branch-{}"}}"#,
            10_000_000 + n,
            n % fill::OWNERS,
            n % 10
        );
        Some(request("POST", "/api/outbound/messages", &[("authorization", &self.bearer)], &body))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[201], body)?;
        Ok(1)
    }
}

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let (mut ours, mut against, mut efforts) = (Vec::new(), Vec::new(), Efforts::default());
    for round in 0..world.size.rounds {
        pgbench::fill(world, 1, "sent").await?;
        against.push(pgbench::run(world, INSERT_1, world.size.seconds).await?);
        say("create", round, "raw rows/s", against.last().copied().unwrap_or_default());
        fill::empty(&client).await?;
        fill::settle(&client).await?;
        let before = Effort::now(world, &[&server])?;
        let load = drive(&[server.address], Create::on(16)?, world.size.time()).await?;
        efforts.push(before, Effort::now(world, &[&server])?, load.done as f64);
        say("create", round, "ours messages/s", load.rate());
        ours.push(load.rate());
    }
    server.stop().await?;
    let bar = Bar::AtLeast { must: 0.4, aim: 1.0 };
    let mut rows =
        vec![Row::ratio("messages queued singly, 16 connections", "messages/s", ours, against, bar)];
    rows.extend(efforts.rows("messages queued singly"));
    Ok(rows)
}
