//! `outbound serve`.

use std::convert::Infallible;
use std::future::pending;
use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, say};
use crate::clock::{RandomEntropy, of_settings};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::server::{Parts, Server, listen, longest_stop};
use crate::settings::{Layers, Origin, Settings, Values, variables as v};
use crate::storage::Storage;
use crate::{demo, in_force, secrets, telemetry};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound serve --demo
  outbound serve --bind 127.0.0.1:0 --data-dir /tmp/outbound
  DATABASE_URL=postgresql://outbound:...@db/outbound outbound serve";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Fill an empty database with made-up contacts and messages, simulate N8N, and print what to try
    #[arg(long)]
    demo: bool,
    /// Listen here instead of BIND_ADDR; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<String>,
}

pub(super) async fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    let mut layers = layers;
    if let Some(bind) = &options.bind {
        layers =
            layers.above(Origin::CommandLine, Values::from([(v::BIND_ADDR.name.to_owned(), bind.clone())]));
    }
    if options.demo {
        let chosen = demo::settings(&layers);
        layers = layers.below(Origin::Demo, chosen);
    }
    let (layers, new_secrets) = secrets::complete(layers, data_dir)?;
    let settings = Settings::read(&layers)?;
    if options.demo && !settings.server.bind.ip().is_loopback() {
        let bind = settings.server.bind;
        let why = anyhow!(
            "--demo lets everybody in with one click: BIND_ADDR must be this machine's own, not {bind}"
        );
        return Err(why.into());
    }
    telemetry::init(&settings.server);
    // From here on a signal is not lost, whatever takes its time.
    let mut signals = Signals::new()?;
    let socket = listen(settings.server.bind)?;
    let database = tokio::select! {
        database = Database::open(&settings.database, data_dir) => database?,
        () = signals.next() => return Ok(()),
    };
    // Only now: the private PostgreSQL keeps a second server out of the folder.
    let ended = match data_dir.keep_secrets(&new_secrets) {
        Ok(()) => serve(options, &layers, &settings, socket, &database, signals).await,
        Err(error) => Err(error),
    };
    let closed = database.close().await;
    Ok(ended.and(closed)?)
}

async fn serve(
    options: &Options,
    layers: &Layers,
    settings: &Settings,
    socket: TcpListener,
    database: &Database,
    mut signals: Signals,
) -> anyhow::Result<()> {
    let starting = async {
        let storage = Storage::open(database.url(), &settings.database).await?;
        if options.demo {
            demo::fill(&storage, &settings.rules).await.context("the demo's messages could not be made")?;
        }
        let clock = of_settings(&settings.server);
        let started_at = clock.now();
        let parts = Parts { clock, entropy: Arc::new(RandomEntropy::default()) };
        let logins = if options.demo { demo::logins(settings) } else { Vec::new() };
        let server = Server::start_with_logins(settings, &storage, socket, parts, logins)?;
        if options.demo {
            say(&demo::welcome(&server.url(), settings)?);
        }
        anyhow::Ok((server, storage, started_at))
    };
    let (mut server, storage, started_at) = tokio::select! {
        server = starting => server?,
        () = signals.next() => return Ok(()),
    };
    // Only now: one that can't start must not overwrite what the running one left.
    let word = async {
        in_force::leave(&storage.store, layers, settings, started_at).await;
        pending::<Infallible>().await
    };
    let ended = tokio::select! {
        error = server.ended() => Err(error),
        () = signals.next() => Ok(()),
        never = word => match never {},
    };
    tracing::info!(within = ?longest_stop(settings), "stopping; a second signal stops at once");
    tokio::select! {
        () = server.stop() => tracing::info!("stopped"),
        () = signals.next() => bail!("stopped by a second signal"),
    }
    ended
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
