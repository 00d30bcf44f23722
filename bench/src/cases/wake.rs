//! Adds while the server's own worker is woken for each, against adds with it off.

use super::create::Create;
use super::say;
use crate::figures::{Bar, Row};
use crate::fill;
use crate::load::drive;
use crate::server::Server;
use crate::sink::Sink;
use crate::world::World;

/// At its defaults the worker hands off 120 a minute: it is woken by every add and finds the limit used up, which
/// is what adds cost beyond the hand-offs' own work.
const ON: &[(&str, &str)] = &[
    ("WORKER_INTERVAL_SECONDS", "5"),
    ("WORKER_RATE_LIMIT_PER_MIN", "120"),
    ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", "30"),
];

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    let sink = Sink::start().await?;
    let url = sink.url();
    world.fresh("woken").await?;
    world.fresh("off").await?;
    let settings: Vec<_> = ON.iter().copied().chain([("N8N_WEBHOOK_URL", url.as_str())]).collect();
    let (mut ours, mut against) = (Vec::new(), Vec::new());
    for round in 0..world.size.rounds {
        for (database, settings, rates) in
            [("off", [].as_slice(), &mut against), ("woken", settings.as_slice(), &mut ours)]
        {
            let server = Server::start(world, database, settings).await?;
            let client = world.client(database).await?;
            fill::empty(&client).await?;
            fill::settle(&client).await?;
            let load = drive(&[server.address], Create::on(16)?, world.size.time()).await?;
            say("wake", round, database, load.rate());
            rates.push(load.rate());
            server.stop().await?;
        }
    }
    world.drop("woken").await?;
    world.drop("off").await?;
    let case = "messages queued with the own worker woken / with it off";
    Ok(vec![Row::ratio(case, "messages/s", ours, against, Bar::AtLeast { must: 0.85, aim: 0.95 })])
}
