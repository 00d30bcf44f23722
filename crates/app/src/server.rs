//! The server: every crate wired together, from an open socket to a clean end.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use chrono::TimeDelta;
use delivery_n8n::N8nCallbacks;
use domain::ports::{Clock, Entropy};
use http_api::{Api, Background, Gate, Tracer, WorkerDefaults};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;
use web_ui::{DemoLogin, Pages};

use crate::access::auth;
use crate::engine::{Engine, Shutdown};
use crate::gateway::{Gateway, callback_url, signing_secrets};
use crate::metrics::{Metrics, ServerMeter};
use crate::pages::pages;
use crate::settings::{ServerSettings, Settings};
use crate::storage::{self, Ready, Storage};
use crate::threads::threads;
use crate::traces::{LAST_EXPORT, Traces};
use crate::watch::Watch;
use crate::worker::{Worker, housekeeping, maintenance};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 2_048;
/// What a request may take at the end, beyond the time limit of a hand-off.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// What a run or a request may take at the end.
fn drain(settings: &Settings) -> Duration {
    settings.n8n.timeout.to_std().unwrap_or_default() + DRAIN_MARGIN
}

/// How long [`Server::stop`] takes at most while the database answers: runs end, the grace passes, what came in it is
/// answered, the last traces go. Where the database is away, runs keep what they have not saved for longer.
pub fn longest_stop(settings: &Settings) -> Duration {
    let grace = settings.server.grace.to_std().unwrap_or_default();
    grace + 2 * drain(settings) + LAST_EXPORT
}

/// Time and chance, handed in.
#[derive(Clone)]
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// Opens the socket, before anything that takes long: a port that is taken is found at once.
pub fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        // So that a restarted server need not wait for the old one's connections to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    open().with_context(|| format!("cannot listen on {address} (BIND_ADDR)"))
}

/// A server that serves.
pub struct Server {
    address: SocketAddr,
    http: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    loops: JoinSet<()>,
    runs: TaskTracker,
    gateway: Gateway,
    engine: Engine,
    traces: Option<Arc<Traces>>,
    /// What a run or a request may take at the end.
    drain: Duration,
    /// How long requests are still taken at the end.
    grace: Duration,
}

impl Server {
    /// Starts to serve on the socket. Needs a tokio runtime.
    pub fn start(
        settings: &Settings,
        storage: &Storage,
        socket: TcpListener,
        parts: Parts,
    ) -> anyhow::Result<Self> {
        Self::start_with_logins(settings, storage, socket, parts, Vec::new())
    }

    /// As [`Server::start`], with one-click logins on the pages: for the demo.
    pub fn start_with_logins(
        settings: &Settings,
        storage: &Storage,
        socket: TcpListener,
        parts: Parts,
        demo_logins: Vec<DemoLogin>,
    ) -> anyhow::Result<Self> {
        let address = socket.local_addr().context("the socket has no address")?;
        let gateway = Gateway::new(settings, &local_url(address), &parts.clock)?;
        let shutdown = Shutdown::default();
        let metrics = Arc::new(Metrics::new()?);
        let traces = Traces::start(&settings.traces, &parts.clock, &parts.entropy)?;
        let storage =
            &storage.observed_by(Arc::new(Watch { metrics: Arc::clone(&metrics), traces: traces.clone() }));
        let way_to_n8n = gateway.port().map(|gateway| match &traces {
            Some(traces) => metrics.around(traces.around(gateway)),
            None => metrics.around(gateway),
        });
        let engine = Engine {
            stores: Arc::new(storage.store.clone()),
            clock: parts.clock,
            entropy: parts.entropy,
            rules: Arc::new(settings.rules.clone()),
            gateway: way_to_n8n,
            shutdown,
        };
        let runs = TaskTracker::new();
        let auth = auth(settings)?;
        let (tokens, gate) = (auth.tokens.clone(), Arc::new(Gate::new(auth)));
        let pages = pages(settings, storage, &engine, tokens, Arc::clone(&gate), runs.clone(), demo_logins);
        let mut api = api(settings, storage, &engine, &metrics, runs.clone(), gate)?;
        api.tracer = traces.clone().map(|traces| traces as Arc<dyn Tracer>);
        let drain = drain(settings);
        let grace = settings.server.grace.to_std().context("HTTP_GRACE_SECONDS")?;
        let (http, serving) = serve_http(api, pages, socket, &settings.server, drain)?;
        let mut loops = start_loops(&engine, settings, storage);
        loops.spawn(metrics.keep_tidy(engine.shutdown.clone()));
        announce(settings, &gateway, address);
        Ok(Self { address, http, serving, loops, runs, gateway, engine, traces, drain, grace })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it can be reached from this machine.
    pub fn url(&self) -> String {
        local_url(self.address)
    }

    /// What the use cases run on.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Waits for an end that nobody asked for, and says why it came.
    pub async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(Ok(())) => anyhow::anyhow!("the HTTP server ended"),
            Ok(Err(error)) => anyhow::Error::new(error).context("the HTTP server failed"),
            Err(error) => anyhow::Error::new(error).context("the HTTP server broke"),
        }
    }

    /// Stops, within [`longest_stop`]: no new lease, running hand-offs end and what is left of their batches is given back, requests are
    /// answered; then nothing of the server is left but its database.
    ///
    /// From the first moment `/readyz` says so, and each answer ends its connection. Requests that come all the same
    /// are taken for `HTTP_GRACE_SECONDS`, so that whoever shares them out has the time to see it.
    pub async fn stop(mut self) {
        self.engine.shutdown.begin();
        let grace = tokio::time::sleep(self.grace);
        while let Some(ended) = self.loops.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task broke");
            }
        }
        // Runs give the rest of their batches back now.
        self.runs.close();
        let _ = tokio::time::timeout(self.drain, self.runs.wait()).await;
        grace.await;
        self.http.stop(true).await;
        self.runs.wait().await;
        self.gateway.stop().await;
        if let Some(traces) = self.traces {
            traces.stop().await;
        }
    }
}

fn serve_http(
    api: Api,
    pages: Pages,
    socket: TcpListener,
    settings: &ServerSettings,
    drain: Duration,
) -> anyhow::Result<(ServerHandle, JoinHandle<std::io::Result<()>>)> {
    let (api, pages) = (http_api::configure(api), web_ui::configure(pages));
    let workers = threads();
    let connections = usize::try_from(settings.max_connections)?;
    let server = HttpServer::new(move || {
        App::new()
            .configure(api.clone())
            .configure(pages.clone())
            .wrap(Compress::default())
            .wrap(from_fn(http_api::around))
    })
    .workers(workers)
    .max_connections(connections.div_ceil(workers))
    .client_request_timeout(settings.request_within)
    .shutdown_timeout(drain.as_secs())
    .disable_signals()
    .listen(socket)
    .context("cannot serve on the socket")?
    .run();
    let handle = server.handle();
    Ok((handle, tokio::spawn(server)))
}

fn api(
    settings: &Settings,
    storage: &Storage,
    engine: &Engine,
    metrics: &Arc<Metrics>,
    runs: TaskTracker,
    gate: Arc<Gate>,
) -> anyhow::Result<Api> {
    Ok(Api {
        backend: Arc::new(storage.store.clone()),
        rules: Arc::clone(&engine.rules),
        clock: Arc::clone(&engine.clock),
        entropy: Arc::clone(&engine.entropy),
        gateway: engine.gateway.clone(),
        callbacks: Arc::new(N8nCallbacks::new(signing_secrets(settings)?)),
        stopping: Arc::new(engine.shutdown.clone()),
        gate,
        worker: WorkerDefaults {
            batch: settings.worker.batch_size,
            concurrency: settings.worker.concurrency,
        },
        readiness: Arc::new(Ready::new(storage.clone())),
        meter: Arc::new(ServerMeter::new(Arc::clone(metrics), &storage.store, engine)),
        tracer: None,
        background: Background::new(Handle::current(), runs),
        body_within: settings.server.request_within,
        is_behind_tls: settings.server.is_behind_tls(),
        callback_url: callback_url(settings).map(Arc::from),
        simulator: settings.n8n.simulator,
    })
}

fn start_loops(engine: &Engine, settings: &Settings, storage: &Storage) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    loops.spawn(maintenance::run(engine.clone()));
    let days = i64::from(settings.database.retention_days);
    let retention = (days > 0).then(|| TimeDelta::days(days));
    loops.spawn(housekeeping::run(engine.clone(), Arc::new(storage.store.clone()), retention));
    let wake = Arc::new(Notify::new());
    if let Some(worker) = Worker::new(engine.clone(), settings.worker, Arc::clone(&wake)) {
        loops.spawn(storage::listen(storage.clone(), engine.clone(), wake));
        loops.spawn(worker.run());
    }
    loops
}

/// Says in the log what whoever runs the server must know.
fn announce(settings: &Settings, gateway: &Gateway, address: SocketAddr) {
    for line in settings.access.closed() {
        tracing::warn!("{line}");
    }
    gateway.announce();
    match settings.worker.interval {
        Some(interval) => tracing::info!(every = %interval, "the server runs the worker by itself"),
        None => tracing::info!("the worker runs on request only (WORKER_INTERVAL_SECONDS is 0)"),
    }
    tracing::info!("listening on http://{address}");
}

/// Where a listener can be reached from its own machine.
fn local_url(address: SocketAddr) -> String {
    let reachable = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, v6.port())),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    };
    format!("http://{reachable}")
}
