//! Ten thousand recipients in one request.

use std::fmt::Write as _;

use super::{OURS, say};
use crate::effort::{Effort, Efforts};
use crate::figures::{Bar, Row};
use crate::fill;
use crate::http::request;
use crate::load::{Script, drive, expect};
use crate::pgbench::{self, BULK_1000};
use crate::server::{Server, bearer};
use crate::world::World;

const RECIPIENTS: u32 = 10_000;

/// One bulk after the other, each for other people.
struct Bulk {
    next: u32,
    bearer: String,
}

impl Script for Bulk {
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut body = String::with_capacity(70 * 10_000);
        body.push_str(
            r#"{"channel":"SMS","templateKey":"remind_paid50","variables":{"ownerName":"Lan"},"ownerId":"owner-1","recipients":["#,
        );
        for n in 0..RECIPIENTS {
            let comma = if n == 0 { "" } else { "," };
            let to = 10_000_000 + self.next + n;
            let _ = write!(body, r#"{comma}{{"to":"+849{to:08}","variables":{{"name":"Nguyễn {n}"}}}}"#);
        }
        body.push_str("]}");
        self.next += RECIPIENTS;
        Some(request("POST", "/api/outbound/messages/bulk", &[("authorization", &self.bearer)], &body))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200, 201], body)?;
        let created = format!(r#""created":{RECIPIENTS}"#);
        anyhow::ensure!(std::str::from_utf8(body)?.contains(&created), "not all were created");
        Ok(u64::from(RECIPIENTS))
    }
}

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let server = Server::start(world, OURS, &[]).await?;
    let client = world.client(OURS).await?;
    let (mut ours, mut against, mut efforts) = (Vec::new(), Vec::new(), Efforts::default());
    for round in 0..world.size.rounds {
        pgbench::fill(world, 1, "sent").await?;
        against.push(pgbench::run(world, BULK_1000, world.size.seconds).await?);
        say("bulk", round, "raw rows/s", against.last().copied().unwrap_or_default());
        fill::empty(&client).await?;
        fill::settle(&client).await?;
        let scripts = vec![Bulk { next: 0, bearer: bearer()? }];
        let before = Effort::now(world, &[&server])?;
        let load = drive(&[server.address], scripts, world.size.time()).await?;
        efforts.push(before, Effort::now(world, &[&server])?, load.done as f64);
        say("bulk", round, "ours messages/s", load.rate());
        ours.push(load.rate());
    }
    server.stop().await?;
    let bar = Bar::AtLeast { must: 0.4, aim: 0.8 };
    let mut rows =
        vec![Row::ratio("bulk of 10,000 with a template, 1 client", "messages/s", ours, against, bar)];
    rows.extend(efforts.rows("bulk"));
    Ok(rows)
}
