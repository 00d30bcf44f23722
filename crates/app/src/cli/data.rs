//! What the commands on data stand on: a database that is up to date, what the server works by, and who asks.

use std::sync::Arc;

use domain::actor::Actor;
use domain::ids::OwnerId;
use domain::ports::Clock;
use domain::usecase::Deps;
use nix::unistd::{User, getuid};

use super::Failure;
use crate::clock::{self, RandomEntropy};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::in_force::InForce;
use crate::settings::{Layers, Settings};
use crate::storage::Storage;
use crate::{secrets, telemetry};

/// Rules, stores, time and chance, for one command.
pub(super) struct Data {
    pub(super) in_force: InForce,
    pub(super) storage: Storage,
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: RandomEntropy,
}

impl Data {
    /// Opens the database of the settings, or the private one of the folder. Never changes its tables.
    pub(super) async fn open(layers: Layers, data_dir: &DataDir) -> Result<Self, Failure> {
        let settings = Settings::read(&secrets::kept(layers, data_dir)?)?;
        telemetry::init(&settings.server);
        let database = Database::attach(&settings.database, data_dir).await?;
        let (storage, in_force) = match look(&database, &settings).await {
            Ok(found) => found,
            Err(error) => {
                database.close().await?;
                return Err(error.into());
            }
        };
        let clock = clock::of_settings(&settings.server);
        Ok(Self { in_force, storage, database, clock, entropy: RandomEntropy::default() })
    }

    /// What a use case needs.
    pub(super) fn deps(&self) -> Deps<'_> {
        Deps {
            stores: &self.storage.store,
            clock: &*self.clock,
            entropy: &self.entropy,
            rules: &self.in_force.rules,
        }
    }

    /// Lets go of the database.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.database.close().await
    }
}

async fn look(database: &Database, settings: &Settings) -> anyhow::Result<(Storage, InForce)> {
    let storage = Storage::attach(database.url()).await?;
    let in_force = InForce::find(&storage.store, settings).await?;
    if let Some(unread) = &in_force.unread {
        super::complain(&format_args!("warning: {unread}"));
    }
    Ok((storage, in_force))
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
