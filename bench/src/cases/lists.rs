//! Lists with each filter, and search, over all messages: first page, and far behind by the cursor.

use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;
use tokio_postgres::{Client, Statement};

use super::{OURS, say};
use crate::figures::{Bar, Row, percentile};
use crate::fill::{self, Messages, Stand};
use crate::http::{Connection, request};
use crate::pgbench;
use crate::server::{Server, bearer};
use crate::world::World;

/// Requests for each page.
const ASKED: usize = 60;
/// Where page 1,000 of 20 begins, in pages of 100.
const FAR: usize = 199;

/// The filters, with how many values `#` stands for.
const FILTERS: &[(&str, u32)] = &[
    ("", 1),
    ("status=SENT", 1),
    ("status=QUEUED", 1),
    ("status=DISPATCHED", 1),
    ("failureKind=DEAD", 1),
    ("channel=SMS", 1),
    ("channel=ZALO", 1),
    ("priority=HIGH", 1),
    ("from=2025-01-20", 1),
    ("ownerId=owner-#", 100),
    ("branchId=branch-#", 10),
    ("leadId=lead-#", 1_000),
    ("studentId=student-#", 1_000),
    ("ownerId=owner-#&status=SENT", 100),
    ("branchId=branch-#&status=QUEUED", 10),
    ("q=090412345#", 10),
    ("q=%2B84900000#", 100),
    ("q=hello%20student", 1),
    ("q=nothing%20like%20it", 1),
    ("status=SENT&q=hello", 1),
];

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let (wide, rest) = (world.size.wide / 10 * 9, world.size.wide / 20);
    let parts =
        [(1, wide, Stand::Sent), (wide + 1, rest, Stand::Later), (wide + rest + 1, rest, Stand::HandedOff)];
    let parts = parts.map(|(from, count, stand)| Messages { from, count, stand, ..Messages::default() });
    say("lists", 0, "filling in messages", f64::from(world.size.wide));
    fill::messages(&client, &parts).await?;
    let lists = Lists {
        raw: Raw::start(world).await?,
        connection: Connection::open(server.address).await?,
        bearer: bearer()?,
        rounds: world.size.rounds,
    };
    let rows = lists.measure().await?;
    server.stop().await?;
    world.drop(OURS).await?;
    Ok(rows)
}

/// Lookups of 20 rows by an index of the raw table.
struct Raw {
    client: Client,
    ask: Statement,
}

impl Raw {
    async fn start(world: &World) -> anyhow::Result<Self> {
        pgbench::fill(world, world.size.deep, "queued").await?;
        let client = world.client("raw").await?;
        let ask = client
            .prepare(
                "select id::text, channel, recipient, body, status from outbound_message
                 where id > md5($1::text)::uuid order by outbound_message.id limit 20",
            )
            .await?;
        let raw = Self { client, ask };
        // The first time warms up, as it does for the lists: what is measured does not wait for the disk.
        raw.p95().await?;
        Ok(raw)
    }

    /// In milliseconds.
    async fn p95(&self) -> anyhow::Result<f64> {
        let mut waits = Vec::new();
        for n in 0..ASKED {
            let (n, asked) = (n.to_string(), Instant::now());
            self.client.query(&self.ask, &[&n]).await?;
            waits.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(percentile(&waits, 0.95))
    }
}

struct Lists {
    raw: Raw,
    connection: Connection,
    bearer: String,
    rounds: usize,
}

impl Lists {
    async fn measure(mut self) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (filter, values) in FILTERS {
            rows.push(self.page(filter, *values, "first page", "").await?);
            if let Some(cursor) = self.far(filter).await? {
                let cursor = format!("&cursor={cursor}");
                rows.push(self.page(filter, 1, "page 1,000 by cursor", &cursor).await?);
            }
        }
        Ok(rows)
    }

    /// One page of a list, in turns with the raw lookups.
    async fn page(&mut self, filter: &str, values: u32, page: &str, cursor: &str) -> anyhow::Result<Row> {
        let name = if filter.is_empty() { "no filter" } else { filter };
        let (mut ours, mut against) = (Vec::new(), Vec::new());
        self.p95(filter, values, cursor).await?;
        for round in 0..self.rounds {
            against.push(self.raw.p95().await?);
            ours.push(self.p95(filter, values, cursor).await?);
            let p95s =
                format!("{name}, {page}: p95 ms, raw {:.2}", against.last().copied().unwrap_or_default());
            say("lists", round, &p95s, ours.last().copied().unwrap_or_default());
        }
        let bar = Bar::AtMost { must: 20.0, aim: 5.0 };
        Ok(Row::ratio(format!("list, {name}, {page}: p95"), "ms", ours, against, bar))
    }

    async fn p95(&mut self, filter: &str, values: u32, cursor: &str) -> anyhow::Result<f64> {
        let mut waits = Vec::new();
        for n in 0..ASKED {
            let value = (u32::try_from(n)? % values).to_string();
            let path = format!("/api/outbound/messages?{}{cursor}", filter.replace('#', &value));
            let asked = Instant::now();
            self.get(&path).await?;
            waits.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(percentile(&waits, 0.95))
    }

    /// The cursor behind 19,900 messages; `None` where there are fewer.
    async fn far(&mut self, filter: &str) -> anyhow::Result<Option<String>> {
        let filter = filter.replace('#', "0");
        let mut cursor = String::new();
        for _ in 0..FAR {
            let answer = self.get(&format!("/api/outbound/messages?pageSize=100&{filter}{cursor}")).await?;
            match answer.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(None),
            }
        }
        Ok(cursor.strip_prefix("&cursor=").map(str::to_owned))
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let ask = request("GET", path, &[("authorization", &self.bearer)], "");
        let answer = self.connection.send(&ask).await?;
        crate::load::expect(answer.status, &[200], answer.body).with_context(|| path.to_owned())?;
        Ok(serde_json::from_slice(answer.body)?)
    }
}
