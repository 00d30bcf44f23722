//! Everything that the servers' clients do meanwhile.

pub mod api;
pub mod creator;
pub mod people;
pub mod workers;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::api::Api;
use crate::clock::ShiftedClock;
use crate::journal::Journal;
use crate::n8n::N8n;

/// How many owners there are.
pub const OWNERS: usize = 12;
/// How many leads the CRM pushes.
pub const LEADS: usize = 60;
/// How many clients make messages.
const CREATORS: usize = 6;

/// What every client needs.
#[derive(Clone)]
pub struct Load {
    /// The servers.
    pub api: Api,
    /// N8N, for those that pull.
    pub n8n: Arc<N8n>,
    /// The servers' clock.
    pub clock: Arc<ShiftedClock>,
    /// The notes.
    pub journal: Arc<Journal>,
    /// The run's seed.
    pub seed: u64,
    /// The longest wait of a creator, in milliseconds.
    pub pace: u64,
    /// How many messages a burst has.
    pub burst: usize,
    /// More than this many waiting messages are not added to.
    pub most_waiting: usize,
    /// How many messages wait, as last counted.
    pub waiting: Arc<AtomicUsize>,
    /// How many addresses were made up.
    pub addresses: Arc<AtomicUsize>,
    /// The end.
    pub stop: CancellationToken,
}

impl Load {
    /// Pushes the leads, then starts every client.
    pub async fn start(self) -> anyhow::Result<JoinSet<()>> {
        let leads: Vec<Value> = (0..LEADS).map(|number| people::lead(number, &[])).collect();
        creator::push_leads(&self.api, &leads).await?;
        let mut clients = JoinSet::new();
        for number in 0..CREATORS {
            clients.spawn(creator::run(self.clone(), number));
        }
        clients.spawn(people::run(self.clone()));
        clients.spawn(people::opt_out(self.clone()));
        clients.spawn(workers::pull(self.clone()));
        clients.spawn(workers::push(self));
        Ok(clients)
    }

    /// The chance of one client: the same for the same seed.
    fn rng(&self, client: &str) -> StdRng {
        let mut hasher = DefaultHasher::new();
        (self.seed, client).hash(&mut hasher);
        StdRng::seed_from_u64(hasher.finish())
    }

    fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > self.most_waiting
    }

    fn some_lead(&self, rng: &mut StdRng) -> String {
        format!("lead-{}", rng.random_range(0..LEADS))
    }

    /// An address that nobody had before.
    fn new_address(&self, channel: &Value) -> String {
        let number = self.addresses.fetch_add(1, Ordering::Relaxed);
        if channel == "FB" { format!("70000000{number:08}") } else { format!("090{number:07}") }
    }
}

async fn pause(rng: &mut StdRng, from: u64, to: u64) {
    tokio::time::sleep(Duration::from_millis(rng.random_range(from..to.max(from + 1)))).await;
}
