//! Pull mode over HTTP: lease a batch, settle it by one array of callbacks.

use std::fmt::Write as _;

use tokio_postgres::Client;

use super::{OURS, say};
use crate::effort::{Effort, Efforts};
use crate::figures::{Bar, Row};
use crate::fill::{self, Messages};
use crate::http::request;
use crate::load::{Load, Script, drive, expect};
use crate::pgbench::{self, CYCLE_50, CYCLE_200};
use crate::server::{CALLBACK_SECRET, Server, WORKER_SECRET};
use crate::world::World;

/// Leases, and settles what it was given, in turns.
pub struct Cycle {
    lease: Vec<u8>,
    leased: Vec<String>,
    /// Whether the queue may be empty in between.
    may_be_empty: bool,
}

impl Cycle {
    /// With batches of so many, from a queue that lasts.
    pub fn of(batch: u32) -> Self {
        Self { lease: lease(batch), leased: Vec::new(), may_be_empty: false }
    }

    /// The same from a queue that is filled as it goes.
    pub fn while_there_is(batch: u32) -> Self {
        Self { may_be_empty: true, ..Self::of(batch) }
    }
}

/// Asks for a batch.
pub fn lease(batch: u32) -> Vec<u8> {
    let body = format!(r#"{{"mode":"pull","batchSize":{batch}}}"#);
    request("POST", "/api/worker/outbound", &[("x-worker-secret", WORKER_SECRET)], &body)
}

/// The messages that a run gave.
pub fn leased(body: &[u8]) -> anyhow::Result<Vec<String>> {
    let text = std::str::from_utf8(body)?;
    let key = r#""messageId":""#;
    let ids = text.match_indices(key).filter_map(|(at, _)| text.get(at + key.len()..at + key.len() + 36));
    Ok(ids.map(str::to_owned).collect())
}

impl Script for Cycle {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.leased.is_empty() {
            return Some(self.lease.clone());
        }
        let mut body = String::with_capacity(self.leased.len() * 130);
        for id in &self.leased {
            let begin = if body.is_empty() { '[' } else { ',' };
            let _ =
                write!(body, r#"{begin}{{"messageId":"{id}","status":"SENT","providerMessageId":"p{id}"}}"#);
        }
        body.push(']');
        Some(request("POST", "/api/outbound/callback", &[("x-callback-secret", CALLBACK_SECRET)], &body))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        if self.leased.is_empty() {
            self.leased = leased(body)?;
            anyhow::ensure!(
                self.may_be_empty || !self.leased.is_empty(),
                "the queue is empty before the time is over"
            );
            return Ok(0);
        }
        let all = self.leased.len();
        let applied = std::str::from_utf8(body)?.matches(r#""applied":true"#).count();
        anyhow::ensure!(applied == all, "of {all} callbacks {applied} were applied");
        self.leased.clear();
        Ok(u64::try_from(all)?)
    }

    fn is_midway(&self) -> bool {
        !self.leased.is_empty()
    }
}

pub async fn run(world: &World, batch: u32) -> anyhow::Result<Vec<Row>> {
    let (raw, bar) = match batch {
        200 => (CYCLE_200, Bar::AtLeast { must: 0.5, aim: 0.75 }),
        _ => (CYCLE_50, Bar::AtLeast { must: 0.6, aim: 1.0 }),
    };
    let name = format!("pull{batch}");
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let (mut ours, mut against, mut wal, mut disk) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut efforts = Efforts::default();
    let enough = 110_000 * u32::try_from(world.size.seconds)?;
    for round in 0..world.size.rounds {
        pgbench::fill(world, enough, "queued").await?;
        against.push(pgbench::run(world, raw, world.size.seconds).await?);
        say(&name, round, "raw messages/s", against.last().copied().unwrap_or_default());
        let drained = measure(world, &client, &[&server], batch, 4).await?;
        let load = drained.load;
        ours.push(load.rate());
        efforts.push(drained.before, drained.after, load.done as f64);
        wal.push(drained.wal / load.done as f64);
        disk.push(disk_of_one(&client).await?);
        say(&name, round, "ours messages/s", load.rate());
    }
    let (_, peak) = server.memory()?;
    server.stop().await?;
    let case = format!("pull mode: lease {batch}, settle by one array; 4 clients");
    let memory = format!("resident at most, {name}");
    let mut rows = vec![
        Row::ratio(case, "messages/s", ours, against, bar),
        Row::alone(memory, "MB", vec![peak], Bar::AtMost { must: 150.0, aim: 100.0 }),
        Row::alone(format!("write-ahead log of a lease and its settling, {name}"), "bytes", wal, Bar::Open),
        Row::alone(format!("tables and indexes of a message, {name}"), "bytes", disk, Bar::Open),
    ];
    rows.extend(efforts.rows(&name));
    Ok(rows)
}

/// What a round came to.
pub struct Drained {
    /// What the clients saw.
    pub load: Load,
    /// Bytes of write-ahead log.
    pub wal: f64,
    /// The processor time that was used before and after.
    pub before: Effort,
    /// See `before`.
    pub after: Effort,
}

/// Bytes on disk, by all messages that are there.
async fn disk_of_one(client: &Client) -> anyhow::Result<f64> {
    let size = "
        select sum(pg_total_relation_size(c))::float8 / (select count(*) from outbound_delivery)
        from unnest(array['outbound_message', 'outbound_delivery', 'outbound_event']::regclass[]) as c";
    Ok(client.query_one(size, &[]).await?.get(0))
}

/// How much has been logged ahead since the cluster was made.
async fn logged(client: &Client) -> anyhow::Result<f64> {
    Ok(client.query_one("select (pg_current_wal_lsn() - '0/0')::float8", &[]).await?.get(0))
}

/// One round: fills the queue, and drains it for the time.
pub async fn measure(
    world: &World,
    client: &Client,
    servers: &[&Server],
    batch: u32,
    clients: usize,
) -> anyhow::Result<Drained> {
    fill::empty(client).await?;
    let count = 75_000 * u32::try_from(world.size.seconds)?;
    fill::messages(client, &[Messages { count, ..Messages::default() }]).await?;
    let scripts = (0..clients).map(|_| Cycle::of(batch)).collect();
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let logged_before = logged(client).await?;
    let before = Effort::now(world, servers)?;
    let load = drive(&addresses, scripts, world.size.time()).await?;
    let after = Effort::now(world, servers)?;
    Ok(Drained { load, wal: logged(client).await? - logged_before, before, after })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ids_are_found_in_the_answer() {
        let id = crate::fill::id(7);
        let body = format!(r#"{{"messages":[{{"messageId":"{id}","to":null}},{{"messageId":"{id}"}}]}}"#);
        assert_eq!(super::leased(body.as_bytes()).unwrap(), [id.clone(), id]);
    }
}
