//! How much of the raw speed our tables leave, with their indexes and nothing else: no server, no HTTP, no rule.
//!
//! No server on these tables can be faster than this on the same machine, whatever its statements: what is missing to raw
//! is the price of the lists, the search, the fair lease and the timeline.

use super::{OURS, say};
use crate::figures::{Bar, Row};
use crate::fill::{self, Messages};
use crate::pgbench::{self, BULK_1000, CYCLE_50, INSERT_1, Raw};
use crate::server::Server;
use crate::world::World;

const BARE_INSERT_1: Raw = Raw { text: include_str!("../../bare/insert1.sql"), ..INSERT_1 };
const BARE_BULK_1000: Raw = Raw { text: include_str!("../../bare/bulk1000.sql"), ..BULK_1000 };
const BARE_CYCLE_50: Raw = Raw { text: include_str!("../../bare/cycle50.sql"), ..CYCLE_50 };

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    // It makes the tables.
    Server::start(world, OURS, &[]).await?.stop().await?;
    let client = world.client(OURS).await?;
    let enough = 110_000 * u32::try_from(world.size.seconds)?;
    let mut rows = Vec::new();
    for (what, raw, bare, count) in [
        ("messages inserted singly, 16 clients", INSERT_1, BARE_INSERT_1, 0),
        ("1,000 messages inserted at once, 1 client", BULK_1000, BARE_BULK_1000, 0),
        ("50 messages leased and settled, 4 clients", CYCLE_50, BARE_CYCLE_50, enough),
    ] {
        let (mut ours, mut against) = (Vec::new(), Vec::new());
        for round in 0..world.size.rounds {
            pgbench::fill(world, count.max(1), if count > 0 { "queued" } else { "sent" }).await?;
            against.push(pgbench::run(world, raw, world.size.seconds).await?);
            fill::empty(&client).await?;
            if count > 0 {
                fill::messages(&client, &[Messages { count, ..Messages::default() }]).await?;
            } else {
                fill::settle(&client).await?;
            }
            ours.push(pgbench::run_in(world, OURS, bare, world.size.seconds).await?);
            say("bare", round, what, ours.last().copied().unwrap_or_default());
        }
        let case = format!("our tables alone, no server: {what}");
        rows.push(Row::ratio(case, "messages/s", ours, against, Bar::Open));
    }
    Ok(rows)
}
