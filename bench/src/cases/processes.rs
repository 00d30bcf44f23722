//! Several server processes on one database.

use super::{OURS, pull, say};
use crate::figures::{Bar, Row};
use crate::server::Server;
use crate::world::World;

/// Clients in all, however many servers there are.
const CLIENTS: usize = 8;

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    world.fresh(OURS).await?;
    let client = world.client(OURS).await?;
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..world.size.rounds {
        for (count, rates) in [1, 2, 4].into_iter().zip(&mut rates) {
            let mut servers = Vec::new();
            for _ in 0..count {
                servers.push(Server::start(world, OURS, &[]).await?);
            }
            let all: Vec<&Server> = servers.iter().collect();
            let load = pull::measure(world, &client, &all, 50, CLIENTS).await?.load;
            say("processes", round, &format!("{count}: messages/s"), load.rate());
            rates.push(load.rate());
            for server in servers {
                server.stop().await?;
            }
        }
    }
    let [one, two, four] = rates;
    // "Does not fall", with room for the noise of a busy machine.
    let bar = Bar::AtLeast { must: 0.9, aim: 1.0 };
    Ok(vec![
        Row::ratio("pull mode, 8 clients: 2 server processes / 1", "messages/s", two, one.clone(), bar),
        Row::ratio("pull mode, 8 clients: 4 server processes / 1", "messages/s", four, one, bar),
    ])
}
