//! The server: every crate wired together, from an open socket to a clean end.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use delivery_n8n::N8nCallbacks;
use domain::ports::{Clock, Entropy};
use http_api::{Api, AuthSettings, Background, Gate, Hs256, TokenVerifier, WorkerDefaults};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;

use crate::engine::{Engine, Shutdown};
use crate::gateway::{Gateway, callback_url, signing_secrets};
use crate::settings::{AccessSettings, Secrets, Settings};
use crate::storage::{self, Ready, Storage};
use crate::worker::{Worker, maintenance};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 2_048;
/// What a request may take at the end, beyond the time limit of a hand-off.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

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
}

impl Server {
    /// Starts to serve on the socket. Needs a tokio runtime.
    pub fn start(
        settings: &Settings,
        storage: &Storage,
        socket: TcpListener,
        parts: Parts,
    ) -> anyhow::Result<Self> {
        let address = socket.local_addr().context("the socket has no address")?;
        let gateway = Gateway::new(settings, &local_url(address), &parts.clock)?;
        let shutdown = Shutdown::default();
        let engine = Engine {
            stores: Arc::new(storage.store.clone()),
            clock: parts.clock,
            entropy: parts.entropy,
            rules: Arc::new(settings.rules.clone()),
            gateway: gateway.port(),
            shutdown,
        };
        let runs = TaskTracker::new();
        let api = api(settings, storage, &engine, &gateway, runs.clone())?;
        let (http, serving) = serve_http(api, socket, settings)?;
        let loops = start_loops(&engine, settings, storage);
        announce(settings, &gateway, address);
        Ok(Self { address, http, serving, loops, runs, gateway, engine })
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

    /// Stops: no new lease, running hand-offs end and what is left of their batches is given back, requests are
    /// answered; then nothing of the server is left but its database.
    pub async fn stop(mut self) {
        self.engine.shutdown.begin();
        while let Some(ended) = self.loops.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task broke");
            }
        }
        self.http.stop(true).await;
        // Runs whose clients hung up go on without them.
        self.runs.close();
        self.runs.wait().await;
        self.gateway.stop().await;
    }
}

fn serve_http(
    api: Api,
    socket: TcpListener,
    settings: &Settings,
) -> anyhow::Result<(ServerHandle, JoinHandle<std::io::Result<()>>)> {
    let drain = settings.n8n.timeout.to_std().context("N8N_TIMEOUT_SECONDS")? + DRAIN_MARGIN;
    let configure = http_api::configure(api);
    let server = HttpServer::new(move || {
        App::new().configure(configure.clone()).wrap(Compress::default()).wrap(from_fn(http_api::around))
    })
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
    gateway: &Gateway,
    runs: TaskTracker,
) -> anyhow::Result<Api> {
    Ok(Api {
        backend: Arc::new(storage.store.clone()),
        rules: Arc::clone(&engine.rules),
        clock: Arc::clone(&engine.clock),
        entropy: Arc::clone(&engine.entropy),
        gateway: gateway.port(),
        callbacks: Arc::new(N8nCallbacks::new(signing_secrets(settings)?)),
        stopping: Arc::new(engine.shutdown.clone()),
        gate: Arc::new(Gate::new(auth(&settings.access))),
        worker: WorkerDefaults {
            batch: settings.worker.batch_size,
            concurrency: settings.worker.concurrency,
        },
        readiness: Arc::new(Ready::new(storage.clone())),
        background: Background::new(Handle::current(), runs),
        callback_url: callback_url(settings).map(Arc::from),
        simulator: settings.n8n.simulator,
    })
}

fn auth(access: &AccessSettings) -> AuthSettings {
    let secrets = |secrets: &Option<Secrets>| {
        http_api::Secrets::parse(&secrets.as_ref().map(|secrets| secrets.all().join(",")).unwrap_or_default())
    };
    let tokens = access.jwt_secret.as_ref().and_then(|secrets| Hs256::parse(&secrets.all().join(",")));
    AuthSettings {
        tokens: tokens.map(|tokens| Arc::new(tokens) as Arc<dyn TokenVerifier>),
        worker: secrets(&access.worker_secret),
        callback: secrets(&access.callback_secret),
        service: secrets(&access.service_token),
    }
}

fn start_loops(engine: &Engine, settings: &Settings, storage: &Storage) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    loops.spawn(maintenance::run(engine.clone()));
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
    if settings.access.jwks_url.is_some() {
        tracing::warn!("JWT_JWKS_URL is not used yet: tokens are checked with JWT_SECRET alone");
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
