//! An N8N that misbehaves as it is told, and keeps a log of all that it saw and said.

pub mod caller;
pub mod log;
pub mod script;
pub mod server;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::caller::Caller;
use self::log::{Log, Truth, Via};
use self::script::{Mode, Script};
use self::server::{Server, listen};
use crate::clock::ShiftedClock;

/// The N8N of a run.
pub struct N8n {
    address: SocketAddr,
    server: Arc<Server>,
    log: Arc<Log>,
    listening: tokio::sync::Mutex<CancellationToken>,
    stop: CancellationToken,
}

impl N8n {
    /// Starts it on a free port. A callback that comes after `late` comes too late.
    pub async fn start(
        seed: u64,
        late: Duration,
        clock: Arc<ShiftedClock>,
        client: Client,
    ) -> anyhow::Result<Self> {
        let (log, stop) = (Arc::new(Log::default()), CancellationToken::new());
        let caller = Caller::new(client, Arc::clone(&log), clock, stop.clone());
        let mode = RwLock::new((0, Mode::Normal));
        let server = Arc::new(Server {
            script: Script { seed, late },
            mode,
            log: Arc::clone(&log),
            caller,
            in_flight: AtomicUsize::new(0),
        });
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).context("N8N finds no port")?;
        let address = listener.local_addr()?;
        let listening = stop.child_token();
        tokio::spawn(Arc::clone(&server).serve(listener, listening.clone()));
        Ok(Self { address, server, log, listening: tokio::sync::Mutex::new(listening), stop })
    }

    /// `N8N_WEBHOOK_URL`.
    pub fn url(&self) -> String {
        format!("http://{}/webhook/outbound", self.address)
    }

    /// Where it calls back.
    pub async fn set_servers(&self, urls: &[String]) {
        self.server.caller.set_servers(urls).await;
    }

    /// Behaves like this for some time, unless it is told otherwise meanwhile.
    pub async fn behave(&self, mode: Mode, time: Duration) {
        let turn = self.set(mode);
        tokio::time::sleep(time).await;
        let mut now = self.server.mode.write().unwrap_or_else(PoisonError::into_inner);
        if now.0 == turn {
            *now = (turn + 1, Mode::Normal);
        }
    }

    /// Behaves like this from now on.
    pub fn set(&self, mode: Mode) -> u64 {
        let mut now = self.server.mode.write().unwrap_or_else(PoisonError::into_inner);
        *now = (now.0 + 1, mode);
        now.0
    }

    /// Is down for some time: what it was doing is cut off, and connections are refused. It still calls back.
    pub async fn go_down(&self, time: Duration) -> anyhow::Result<()> {
        let mut listening = self.listening.lock().await;
        listening.cancel();
        tokio::time::sleep(time).await;
        let listener = loop {
            match listen(self.address) {
                Ok(listener) => break listener,
                // The old socket is being closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        *listening = self.stop.child_token();
        tokio::spawn(Arc::clone(&self.server).serve(listener, listening.clone()));
        Ok(())
    }

    /// Takes messages that it asked for (pull mode).
    pub async fn pulled(&self, message: &Value) {
        let key = format!("{}:{}", message["messageId"].as_str().unwrap_or_default(), message["attempt"]);
        self.server.take(message, Via::Pull, key).await;
    }

    /// Whether a hand-off waits for its answer.
    pub fn is_busy(&self) -> bool {
        self.server.in_flight.load(Ordering::Relaxed) > 0
    }

    /// How much it still has to say.
    pub fn pending(&self) -> usize {
        self.log.pending()
    }

    /// All that it saw and said.
    pub fn truth(&self) -> Truth {
        self.log.truth()
    }
}

impl Drop for N8n {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
