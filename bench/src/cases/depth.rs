//! A lease of 50 beside much else, against a lease of 50 from a small queue: whether it stays flat.

use tokio_postgres::Client;

use super::pull::{lease, leased};
use super::say;
use crate::figures::{Bar, Row, median};
use crate::fill::{self, Messages, Stand};
use crate::load::{Script, drive, expect};
use crate::server::Server;
use crate::world::World;

const BATCH: u32 = 50;
/// Leases in a round.
const LEASES: usize = 60;
/// The depth that the others are held against.
const SHALLOW: u32 = 10_000;
/// Puts back what a round leased, so that each begins with the same queue.
const PUT_BACK: &str = "
    update outbound_delivery
    set status = 'QUEUED', next_attempt_at = now() - interval '1 hour', attempted = false,
        lease_id = null, leased_at = null, lease_expires_at = null, dispatched_at = null
    where lease_expires_at is not null";
/// The limit of an owner, where one is at it.
const OWNER_LIMIT: &str = "50";

/// A queue, the one that it is held against, and how much longer a lease may take.
pub struct Depth {
    name: &'static str,
    case: String,
    deep: Vec<Messages<'static>>,
    shallow: Vec<Messages<'static>>,
    settings: &'static [(&'static str, &'static str)],
    /// What is done to both before the leases.
    prepare: &'static str,
    bar: Bar,
}

/// 1M due.
pub fn due(world: &World) -> Depth {
    let deep = world.size.deep;
    Depth {
        name: "depth",
        case: format!("lease of 50: {} due / 10k due", shown(deep)),
        deep: vec![due_rows(1, deep)],
        shallow: vec![due_rows(1, SHALLOW)],
        settings: &[],
        prepare: "",
        bar: Bar::AtMost { must: 3.0, aim: 2.0 },
    }
}

/// 1M of which nine in ten are not due, and what is due is of the lowest priority.
pub fn later(world: &World) -> Depth {
    let all = world.size.deep;
    let later = all / 10 * 9;
    let waiting = Messages { count: later, stand: Stand::Later, content: false, ..Messages::default() };
    let low = Messages { priority: "3", ..due_rows(later + 1, all - later) };
    Depth {
        name: "later",
        case: format!("lease of 50: {}, 90 % not due, due ones LOW / 10k due", shown(all)),
        deep: vec![waiting, low],
        bar: Bar::AtMost { must: 3.0, aim: 2.0 },
        ..due(world)
    }
}

/// 5M that are sent.
pub fn sent(world: &World) -> Depth {
    let (wide, due_count) = (world.size.wide, world.size.deep / 10);
    let old = Messages { count: wide, stand: Stand::Sent, content: false, ..Messages::default() };
    Depth {
        name: "sent",
        case: format!("lease of 50: {} SENT beside {} due / without", shown(wide), shown(due_count)),
        deep: vec![old, due_rows(wide + 1, due_count)],
        shallow: vec![due_rows(wide + 1, due_count)],
        bar: Bar::AtMost { must: 1.7, aim: 1.2 },
        ..due(world)
    }
}

/// An owner at the limit whose 1M due messages are in front.
pub fn greedy(world: &World) -> Depth {
    let deep = world.size.deep;
    let front = Messages { owner: "'greedy'", content: false, ..due_rows(1, deep) };
    // Many owners: each is far from the limit.
    let others = Messages { owner: "'owner-' || n % 2000", ..due_rows(deep + 1, SHALLOW) };
    Depth {
        name: "greedy",
        case: format!("lease of 50: an owner at the limit with {} due in front / without", shown(deep)),
        deep: vec![front, others],
        shallow: vec![others],
        settings: &[("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", OWNER_LIMIT)],
        prepare: "
            insert into outbound_rate_window (key, seconds, counts)
            select 'owner:greedy', array[extract(epoch from now())::bigint], array[50]
            on conflict (key) do update set seconds = excluded.seconds, counts = excluded.counts",
        ..due(world)
    }
}

fn due_rows(from: u32, count: u32) -> Messages<'static> {
    Messages { from, count, ..Messages::default() }
}

fn shown(rows: u32) -> String {
    match rows {
        1_000_000.. => format!("{}M", rows / 1_000_000),
        _ => format!("{}k", rows / 1_000),
    }
}

/// Leases, and settles nothing.
struct Leases(usize);

impl Script for Leases {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.0 = self.0.checked_sub(1)?;
        Some(lease(BATCH))
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        let got = leased(body)?.len();
        anyhow::ensure!(got == 50, "leased {got} of 50");
        Ok(50)
    }
}

pub async fn run(world: &World, depth: Depth) -> anyhow::Result<Vec<Row>> {
    let Depth { name, case, deep, shallow, settings, prepare, bar } = depth;
    let deep = Side::open(world, "deep", &deep, settings).await?;
    let shallow = Side::open(world, "shallow", &shallow, settings).await?;
    let (mut ours, mut against) = (Vec::new(), Vec::new());
    // The first round warms up: plans, caches.
    for round in 0..=world.size.rounds {
        let of_deep = deep.measure(world, prepare).await?;
        let of_shallow = shallow.measure(world, prepare).await?;
        if round > 0 {
            say(name, round - 1, "ms", of_deep);
            say(name, round - 1, "ms of the shallow queue", of_shallow);
            ours.push(of_deep);
            against.push(of_shallow);
        }
    }
    deep.close(world, "deep").await?;
    shallow.close(world, "shallow").await?;
    Ok(vec![Row::ratio(case, "ms", ours, against, bar)])
}

/// One queue with a server of its own.
struct Side {
    server: Server,
    client: Client,
}

impl Side {
    async fn open(
        world: &World,
        database: &str,
        parts: &[Messages<'_>],
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        world.fresh(database).await?;
        let server = Server::start(world, database, settings).await?;
        let client = world.client(database).await?;
        fill::messages(&client, parts).await?;
        Ok(Self { server, client })
    }

    /// The median wait of a round, in milliseconds.
    async fn measure(&self, world: &World, prepare: &str) -> anyhow::Result<f64> {
        self.client.batch_execute(PUT_BACK).await?;
        fill::settle(&self.client).await?;
        fill::forget_limits(&self.client).await?;
        self.client.batch_execute(prepare).await?;
        let load = drive(&[self.server.address], vec![Leases(LEASES)], world.size.time() * 10).await?;
        Ok(median(&load.waits))
    }

    async fn close(self, world: &World, database: &str) -> anyhow::Result<()> {
        self.server.stop().await?;
        drop(self.client);
        world.drop(database).await
    }
}
