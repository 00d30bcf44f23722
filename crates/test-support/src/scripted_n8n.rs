//! A scripted N8N over real HTTP, for tests of the way to N8N and back.
//!
//! It takes hand-offs on a port of its own, keeps each in a [`Log`], answers as the test's script says and calls back
//! like a well-made integration: again and again until it is taken. It runs on threads of its own, so that neither
//! side waits for the other's work.
//!
//! ```no_run
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use test_support::scripted_n8n::{CallbackPlan, Reaction, ScriptedN8n};
//!
//! let n8n = ScriptedN8n::start(|hand_off| match hand_off.attempt {
//!     1 => Reaction::accepted().then(CallbackPlan::failed("line busy")),
//!     _ => Reaction::accepted().then(CallbackPlan::sent().twice()),
//! })
//! .await?;
//! n8n.call_back_to(["http://127.0.0.1:8080/api/outbound/callback"], "the callback secret");
//! n8n.wait_until(|log| log.callbacks.len() == 3, Duration::from_secs(10)).await?;
//! # Ok(()) }
//! ```

mod caller;
mod log;
mod script;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use caller::{Caller, Targets};
use log::Journal;
use server::Server;

pub use log::{CallbackRecord, HandOff, Log, NotInTime};
pub use script::{Answer, CallbackPlan, Naming, Reaction};

/// A scripted N8N that is listening. Dropped, it is gone at once.
pub struct ScriptedN8n {
    address: SocketAddr,
    journal: Arc<Journal>,
    server: Arc<Server>,
    caller: Arc<Caller>,
    tasks: TaskTracker,
    stop: CancellationToken,
    runtime: Option<Runtime>,
}

impl ScriptedN8n {
    /// Starts one on a free port.
    pub async fn start(
        script: impl Fn(&HandOff) -> Reaction + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script).await
    }

    /// Starts one at this address, such as that of one that was stopped.
    pub async fn start_at(
        address: SocketAddr,
        script: impl Fn(&HandOff) -> Reaction + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("scripted-n8n").enable_all().build()?;
        let (stop, tasks, journal) =
            (CancellationToken::new(), TaskTracker::new(), Arc::new(Journal::default()));
        // Sockets and tasks made from here on belong to that runtime, not to the caller's.
        let within = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listen(address)?)?;
        let address = listener.local_addr()?;
        let caller = Caller::new(Arc::clone(&journal), stop.clone(), tasks.clone())?;
        let server = Arc::new(Server::new(Arc::new(script), Arc::clone(&journal), Arc::clone(&caller)));
        tasks.spawn(Arc::clone(&server).serve(listener, tasks.clone(), stop.clone()));
        drop(within);
        Ok(Self { address, journal, server, caller, tasks, stop, runtime: Some(runtime) })
    }

    /// Its webhook.
    pub fn url(&self) -> String {
        format!("http://{}/webhook/outbound", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Calls back to these addresses in turn, with this `x-callback-secret`. Until it is told, it takes the
    /// `callbackUrl` of the hand-off, or waits to be told.
    pub fn call_back_to<U: Into<String>>(&self, urls: impl IntoIterator<Item = U>, secret: &str) {
        let urls = urls.into_iter().map(Into::into).collect();
        self.caller.set_targets(Targets { urls, secret: secret.to_owned() });
    }

    /// Changes the script for the hand-offs to come.
    pub fn set_script(&self, script: impl Fn(&HandOff) -> Reaction + Send + Sync + 'static) {
        self.server.set_script(Arc::new(script));
    }

    /// Holds back all answers; hand-offs are taken down all the same.
    pub fn pause_answers(&self) {
        self.server.pause(true);
    }

    /// Gives the answers that were held back.
    pub fn resume_answers(&self) {
        self.server.pause(false);
    }

    /// What has happened so far.
    pub fn log(&self) -> Log {
        self.journal.read(Log::clone)
    }

    /// Waits until the log fulfils a condition.
    pub async fn wait_until(
        &self,
        condition: impl Fn(&Log) -> bool,
        timeout: Duration,
    ) -> Result<(), NotInTime> {
        self.journal.wait_until(condition, timeout).await
    }

    /// Stops listening, drops every connection, gives up the callbacks that were not taken yet, and says what
    /// happened. Whoever connects from now on is refused.
    pub async fn stop(self) -> Log {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.log()
    }
}

impl Drop for ScriptedN8n {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests;
