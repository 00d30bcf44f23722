//! What the commands on data stand on: settings, a database that is up to date, and who asks.

use std::sync::Arc;

use clap::Args;
use domain::actor::Actor;
use domain::ids::OwnerId;
use domain::ports::Clock;
use domain::usecase::Deps;
use nix::unistd::{User, getuid};

use super::Failure;
use crate::clock::{self, RandomEntropy};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::settings::{Layers, Origin, Settings};
use crate::storage::Storage;
use crate::{demo, secrets, telemetry};

/// Whose settings count.
#[derive(Debug, Args)]
pub(super) struct As {
    /// Judge by the settings that `serve --demo` chooses
    #[arg(long)]
    demo: bool,
}

impl As {
    /// The settings as the server reads them. This process has its own environment: whoever runs it gives it that of
    /// the server.
    pub(super) fn layers(&self, layers: Layers, data_dir: &DataDir) -> anyhow::Result<Layers> {
        let layers = if self.demo {
            let chosen = demo::settings(&layers);
            layers.below(Origin::Demo, chosen)
        } else {
            layers
        };
        secrets::kept(layers, data_dir)
    }
}

/// Settings, stores, time and chance, for one command.
pub(super) struct Data {
    pub(super) settings: Settings,
    pub(super) storage: Storage,
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: RandomEntropy,
}

impl Data {
    /// Opens the database of the settings, or the private one of the folder. Never changes its tables.
    pub(super) async fn open(layers: Layers, data_dir: &DataDir) -> Result<Self, Failure> {
        let settings = Settings::read(&layers)?;
        telemetry::init(&settings.server);
        let database = Database::attach(&settings.database, data_dir).await?;
        let storage = match Storage::attach(database.url()).await {
            Ok(storage) => storage,
            Err(error) => {
                database.close().await?;
                return Err(error.into());
            }
        };
        let clock = clock::of_settings(&settings.server);
        Ok(Self { settings, storage, database, clock, entropy: RandomEntropy::default() })
    }

    /// What a use case needs.
    pub(super) fn deps(&self) -> Deps<'_> {
        Deps {
            stores: &self.storage.store,
            clock: &*self.clock,
            entropy: &self.entropy,
            rules: &self.settings.rules,
        }
    }

    /// Lets go of the database.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.database.close().await
    }
}

/// Whether there is an N8N to hand off to, or what stands in for it.
pub(super) const fn has_gateway(settings: &Settings) -> bool {
    settings.n8n.simulator || settings.n8n.webhook_url.is_some()
}

/// Whoever runs this process, as the timeline names them.
pub(super) fn operator() -> anyhow::Result<Actor> {
    let uid = getuid();
    let name = User::from_uid(uid)?.map_or_else(|| uid.to_string(), |user| user.name);
    Ok(Actor::Operator(OwnerId::parse(name)?))
}

/// Progress of long work, for a person who watches.
pub(super) struct Progress(bool);

impl Progress {
    pub(super) fn new() -> Self {
        Self(std::io::IsTerminal::is_terminal(&std::io::stderr()))
    }

    pub(super) fn tell(&self, text: &str) {
        if self.0 {
            super::complain(&text);
        }
    }
}
