//! A server that has nothing to do, and one that starts.

use std::time::Duration;

use super::{OURS, say};
use crate::figures::{Bar, Row};
use crate::fill::{self, Messages, Stand};
use crate::server::Server;
use crate::world::World;

/// After its start a server is given some time to come to rest.
const REST: Duration = Duration::from_secs(3);
/// Starts that are measured.
const STARTS: usize = 5;

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    Server::start(world, OURS, &[]).await?.stop().await?;
    let client = world.client(OURS).await?;
    let later =
        Messages { count: world.size.deep, stand: Stand::Later, content: false, ..Messages::default() };
    fill::messages(&client, &[later]).await?;
    let worker = [("WORKER_INTERVAL_SECONDS", "5"), ("N8N_WEBHOOK_URL", "http://127.0.0.1:9/")];
    let server = Server::start(world, OURS, &worker).await?;
    tokio::time::sleep(REST).await;
    let (mut percents, mut memory) = (Vec::new(), Vec::new());
    // Long enough to see its clock's ticks: a hundred of them are a second of a core.
    let time = world.size.time() * 3;
    for round in 0..world.size.rounds {
        let before = server.cpu()?;
        tokio::time::sleep(time).await;
        let percent = (server.cpu()? - before).as_secs_f64() / time.as_secs_f64() * 100.0;
        say("idle", round, "% of a core", percent);
        percents.push(percent);
        memory.push(server.memory()?.0);
    }
    server.stop().await?;
    let depth = if world.size.deep >= 1_000_000 { "1M" } else { "100k" };
    Ok(vec![
        Row::alone(
            format!("idle, its worker on, {depth} not due: processor"),
            "% of a core",
            percents,
            Bar::AtMost { must: 1.0, aim: 0.5 },
        ),
        Row::alone(
            format!("idle, its worker on, {depth} not due: resident"),
            "MB",
            memory,
            Bar::AtMost { must: 60.0, aim: 30.0 },
        ),
    ])
}

/// From the start of the process to its first answer, with a database that is there.
pub async fn start(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    Server::start(world, OURS, &[]).await?.stop().await?;
    let mut times = Vec::new();
    for round in 0..STARTS {
        let server = Server::start(world, OURS, &[]).await?;
        say("start", round, "s", server.started_in.as_secs_f64());
        times.push(server.started_in.as_secs_f64());
        server.stop().await?;
    }
    let bar = Bar::AtMost { must: 0.5, aim: 0.2 };
    Ok(vec![Row::alone("start to the first answer, existing database", "s", times, bar)])
}
