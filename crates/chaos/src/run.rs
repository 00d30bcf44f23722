//! One run, from the first process to the report.

mod collect;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::ShiftedClock;
use crate::database::Database;
use crate::drain::drain;
use crate::faults::{Targets, inject};
use crate::folder::Folder;
use crate::journal::Journal;
use crate::load::Load;
use crate::load::api::Api;
use crate::n8n::N8n;
use crate::n8n::script::Mode;
use crate::options::Options;
use crate::processes::{self, Launch, Server};
use crate::reaper::Reaper;
use crate::report::Report;
use crate::{days, plan, settings};

/// How long servers may take to be ready.
const READY: Duration = Duration::from_secs(60);

/// Everything of a run that is under way.
struct Stage {
    options: Options,
    journal: Arc<Journal>,
    clock: Arc<ShiftedClock>,
    database: Arc<Database>,
    n8n: Arc<N8n>,
    servers: Vec<Server>,
    api: Api,
    folder: Folder,
    start: Instant,
    /// Supervisors and helpers: dropped, they end with all that they hold.
    tasks: JoinSet<()>,
}

/// Does a run.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let mut stage = Stage::set(options).await?;
    stage.say("servers are ready");
    stage.perform().await?;
    stage.say("everything is healed; what is left gets its time");
    let drained =
        drain(&stage.database, &stage.n8n, &stage.clock, stage.options.drain).await.context("at the end")?;
    stage.say("comparing");
    let evidence = stage.collect(drained).await?;
    let report = stage.report(&evidence);
    stage.folder.keep = !report.passed();
    if stage.folder.keep {
        stage.say(&format!("the servers' logs are in {}", stage.folder.path.display()));
    }
    Ok(report)
}

impl Stage {
    async fn set(options: Options) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let binary = options.server_binary.canonicalize();
        let binary =
            binary.with_context(|| format!("there is no server at {}", options.server_binary.display()))?;
        let folder = Folder::create(options.seed)?;
        // A copy: a build in the meantime must not exchange it under the run.
        let own = folder.path.join("outbound");
        fs::copy(&binary, &own).with_context(|| format!("cannot copy {}", binary.display()))?;
        let journal = Arc::new(Journal::default());
        let first_day = (options.time.mul_f64(0.4)).min(Duration::from_secs(100));
        let clock = Arc::new(ShiftedClock::start(folder.path.join("clock"), first_day)?);
        let database = Arc::new(Database::start(Arc::clone(&journal)).await?);
        let client =
            Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(5)).build()?;
        let late = Duration::from_secs(options.callback_seconds);
        let n8n = Arc::new(N8n::start(options.seed, late, Arc::clone(&clock), client.clone()).await?);
        let launch = Arc::new(Launch {
            binary: own,
            folder: folder.path.clone(),
            settings: settings::environment(&options, &n8n.url(), clock.file()),
            database: Arc::clone(&database),
            journal: Arc::clone(&journal),
            reaper: Arc::new(Reaper::start()?),
        });
        let mut tasks = JoinSet::new();
        let servers: Result<Vec<Server>, _> = (1..=options.servers)
            .map(|number| processes::start(Arc::clone(&launch), number, &mut tasks))
            .collect();
        let servers = servers?;
        let urls: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
        wait_until_ready(&client, &urls, &folder.path).await?;
        database.watch().await?;
        n8n.set_servers(&urls).await;
        let api = Api::new(client, urls, Arc::clone(&journal));
        let start = Instant::now();
        Ok(Self { options, journal, clock, database, n8n, servers, api, folder, start, tasks })
    }

    /// The faults and the load, to the end of both.
    async fn perform(&mut self) -> anyhow::Result<()> {
        let (over, days_over) = (CancellationToken::new(), CancellationToken::new());
        let load = self.load(over.clone());
        let quiet = Duration::from_secs(if self.options.is_short() { 3 } else { 10 });
        let (clock, database) = (Arc::clone(&self.clock), Arc::clone(&self.database));
        self.tasks.spawn(days::live(clock, database, Arc::clone(&self.journal), quiet, days_over.clone()));
        self.tasks.spawn(count_waiting(Arc::clone(&self.database), Arc::clone(&load.waiting), over.clone()));
        let mut clients = load.start().await?;
        let plan = plan::plan(self.options.seed, self.options.time, self.servers.len());
        let targets = Targets {
            servers: self.servers.clone(),
            database: Arc::clone(&self.database),
            n8n: Arc::clone(&self.n8n),
            journal: Arc::clone(&self.journal),
        };
        let start = Instant::now();
        self.start = start;
        tokio::select! {
            () = inject(&targets, &plan, start) => {}
            () = self.talk() => {}
        }
        tokio::time::sleep_until(start + self.options.time).await;
        over.cancel();
        self.n8n.set(Mode::Calm);
        self.database.settled().await;
        while clients.join_next().await.is_some() {}
        days_over.cancel();
        Ok(())
    }

    fn load(&self, stop: CancellationToken) -> Load {
        Load {
            api: self.api.clone(),
            n8n: Arc::clone(&self.n8n),
            clock: Arc::clone(&self.clock),
            journal: Arc::clone(&self.journal),
            seed: self.options.seed,
            pace: self.options.pace,
            burst: self.options.limits.per_owner + 20,
            most_waiting: self.options.limits.global,
            waiting: Arc::default(),
            addresses: Arc::default(),
            stop,
        }
    }

    fn say(&self, text: &str) {
        if self.options.talk {
            let _ = writeln!(std::io::stderr(), "[{:>4} s] {text}", self.start.elapsed().as_secs());
        }
    }

    /// Says now and then how things stand; never ends.
    async fn talk(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(15)).await;
            let (notes, truth) = (self.journal.notes(), self.n8n.truth());
            let faults: u64 = notes.faults.values().sum();
            self.say(&format!(
                "{faults} faults, {} creates, {} hand-offs, {} callbacks to come, {} complaints",
                notes.creates.len(),
                truth.hand_offs.len(),
                self.n8n.pending(),
                notes.misbehaviour.len() + truth.odd.len()
            ));
        }
    }
}

async fn wait_until_ready(client: &Client, urls: &[String], folder: &Path) -> anyhow::Result<()> {
    let end = Instant::now() + READY;
    for url in urls {
        loop {
            let answer = client.get(format!("{url}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if Instant::now() > end {
                bail!("the servers are not ready after {READY:?}: see the logs in {}", folder.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Keeps count of what is due, so that the load does not grow without bounds.
async fn count_waiting(database: Arc<Database>, waiting: Arc<AtomicUsize>, over: CancellationToken) {
    let sql = "select count(*) from outbound_delivery where next_attempt_at is not null and lease_id is null";
    while over.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_some() {
        let Ok(client) = database.connect().await else { continue };
        if let Ok(row) = client.query_one(sql, &[]).await {
            waiting.store(usize::try_from(row.get::<_, i64>(0)).unwrap_or(0), Ordering::Relaxed);
        }
    }
}
