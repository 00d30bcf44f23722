//! The server processes: started, killed, frozen, stopped, and started again.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::database::Database;
use crate::journal::{Incident, Journal};
use crate::moment::Moment;
use crate::reaper::Reaper;

/// How long a server may take to stop: N8N_TIMEOUT_SECONDS, its margin, and patience with a busy machine.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// The wait before a server that ended by itself is started again.
const AGAIN: Duration = Duration::from_millis(500);

/// How long after a restart of the database its connections may still break.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What can be done to a server.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// `kill -9`, and a start after some time.
    Kill {
        /// How long it is down.
        down: Duration,
    },
    /// SIGTERM, its end, and a start after some time.
    Restart {
        /// How long it is down.
        down: Duration,
    },
    /// SIGSTOP, and after some time SIGCONT, or its death.
    Freeze {
        /// How long it sleeps.
        time: Duration,
        /// Whether it never wakes up.
        then_kill: bool,
    },
    /// SIGTERM, for good.
    End,
}

/// An order, and whom to tell when it is done.
type Asked = (Order, oneshot::Sender<()>);

/// A server under its supervisor.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens, whichever process it is.
    pub url: String,
    orders: mpsc::Sender<Asked>,
}

impl Server {
    /// Does it, and returns when the server has been started again (not when it is ready).
    pub async fn obey(&self, order: Order) {
        let (done, waiting) = oneshot::channel();
        if self.orders.send((order, done)).await.is_ok() {
            let _ = waiting.await;
        }
    }
}

/// What every server is started with.
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// Where logs go, and the working folder.
    pub folder: PathBuf,
    /// The environment besides address and database.
    pub settings: Vec<(String, String)>,
    /// The database.
    pub database: Arc<Database>,
    /// The notes.
    pub journal: Arc<Journal>,
    /// What ends the servers if we can't.
    pub reaper: Arc<Reaper>,
}

/// Starts a server with its supervisor, on a free port that it keeps.
pub fn start(launch: Arc<Launch>, number: usize, tasks: &mut JoinSet<()>) -> anyhow::Result<Server> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let (orders, inbox) = mpsc::channel(8);
    let supervisor = Supervisor { launch, number, port, generation: 0 };
    tasks.spawn(supervisor.run(inbox));
    Ok(Server { url: format!("http://127.0.0.1:{port}"), orders })
}

struct Supervisor {
    launch: Arc<Launch>,
    number: usize,
    port: u16,
    generation: usize,
}

/// One process of a server.
struct Process {
    name: String,
    child: Child,
    pid: Pid,
    started: Moment,
    /// How much of the log was there before it.
    log_start: u64,
}

impl Supervisor {
    async fn run(mut self, mut orders: mpsc::Receiver<Asked>) {
        loop {
            let mut process = match self.spawn() {
                Ok(process) => process,
                Err(error) => {
                    let what = format!("server {} can't be started: {error:#}", self.number);
                    return self.launch.journal.misbehaviour(what);
                }
            };
            let Some((down, asked)) = self.tend(&mut process, &mut orders).await else { return };
            self.launch.reaper.forget(process.pid.as_raw().unsigned_abs());
            tokio::time::sleep(down).await;
            if let Some(done) = asked {
                let _ = done.send(());
            }
        }
    }

    /// Looks after one process to its end; answers how long the server is down then, and who waits for that.
    async fn tend(
        &self,
        process: &mut Process,
        orders: &mut mpsc::Receiver<Asked>,
    ) -> Option<(Duration, Option<oneshot::Sender<()>>)> {
        loop {
            tokio::select! {
                status = process.child.wait() => {
                    self.ended_by_itself(process, status.ok());
                    return Some((AGAIN, None));
                }
                order = orders.recv() => {
                    let (order, done) = order?;
                    if let Some(down) = self.carry_out(process, order).await {
                        let over = matches!(order, Order::End);
                        self.launch.reaper.forget(process.pid.as_raw().unsigned_abs());
                        return (!over).then_some((down, Some(done)));
                    }
                    let _ = done.send(());
                }
            }
        }
    }

    fn spawn(&mut self) -> anyhow::Result<Process> {
        self.generation += 1;
        let launch = &self.launch;
        let name = format!("s{}.{}", self.number, self.generation);
        let mut log = log(&launch.folder, self.number)?;
        let log_start = log.seek(SeekFrom::End(0))?;
        let mut command = Command::new(&launch.binary);
        command.arg("--data-dir").arg(launch.folder.join("unused")).arg("serve");
        command.env_clear().envs(launch.settings.iter().map(|(name, value)| (name, value)));
        command.env("BIND_ADDR", format!("127.0.0.1:{}", self.port));
        command.env("DATABASE_URL", launch.database.url_for(&name));
        command.current_dir(&launch.folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C reaches the harness alone.
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("cannot run {}", launch.binary.display()))?;
        let pid = child.id().context("the server ended at once")?;
        launch.reaper.watch(pid);
        launch.journal.count("server processes started");
        Ok(Process { name, child, pid: Pid::from_raw(pid.cast_signed()), started: Moment::now(), log_start })
    }

    /// Answers how long the server stays down; `None` when it is still running.
    async fn carry_out(&self, process: &mut Process, order: Order) -> Option<Duration> {
        match order {
            Order::Kill { down } => {
                self.kill(process).await;
                Some(down)
            }
            Order::Restart { down } => {
                self.terminate(process).await;
                Some(down)
            }
            Order::End => {
                self.terminate(process).await;
                Some(Duration::ZERO)
            }
            Order::Freeze { time, then_kill } => {
                let from = Moment::now();
                let _ = kill(process.pid, Signal::SIGSTOP);
                tokio::time::sleep(time).await;
                if then_kill {
                    self.kill(process).await;
                } else {
                    let _ = kill(process.pid, Signal::SIGCONT);
                }
                self.launch.journal.process(&process.name, Incident::Frozen, from);
                then_kill.then_some(Duration::ZERO)
            }
        }
    }

    async fn kill(&self, process: &mut Process) {
        let at = Moment::now();
        // By the id of a child that has not been waited for: it can't be anybody else's.
        let _ = kill(process.pid, Signal::SIGKILL);
        let _ = process.child.wait().await;
        self.launch.journal.process(&process.name, Incident::Killed, at);
    }

    async fn terminate(&self, process: &mut Process) {
        let from = Moment::now();
        let _ = kill(process.pid, Signal::SIGTERM);
        match tokio::time::timeout(STOP_LIMIT, process.child.wait()).await {
            Ok(status) => {
                self.launch.journal.process(&process.name, Incident::Stopped, from);
                // Before it listens for signals, SIGTERM ends it like any process.
                if self.was_serving(process) && !status.as_ref().is_ok_and(ExitStatus::success) {
                    let what = format!("{} ended with {status:?} after SIGTERM", process.name);
                    self.launch.journal.misbehaviour(what);
                }
            }
            Err(_too_slow) => {
                // While the database is away its last outcomes can't be saved: then it may take longer.
                if !self.launch.journal.outage_since(from) {
                    let what = format!("{} did not stop within {STOP_LIMIT:?} of SIGTERM", process.name);
                    self.launch.journal.misbehaviour(what);
                }
                self.kill(process).await;
            }
        }
    }

    /// A server may fail to start without its database, and is then started again. Nothing else may end it.
    fn ended_by_itself(&self, process: &Process, status: Option<ExitStatus>) {
        let journal = &self.launch.journal;
        journal.process(&process.name, Incident::Killed, Moment::now());
        let without_database = journal.outage_since(process.started.minus(AFTERMATH));
        if !self.was_serving(process) && without_database {
            journal.count("starts that failed without the database");
        } else {
            journal.misbehaviour(format!("{} ended by itself: {status:?}", process.name));
        }
    }

    fn was_serving(&self, process: &Process) -> bool {
        let said = |mut log: File| {
            let mut text = Vec::new();
            log.seek(SeekFrom::Start(process.log_start))?;
            log.read_to_end(&mut text)?;
            anyhow::Ok(String::from_utf8_lossy(&text).contains("listening on "))
        };
        log(&self.launch.folder, self.number).and_then(said).unwrap_or(true)
    }
}

/// The log file of a server, all its processes one after the other.
fn log(folder: &Path, number: usize) -> anyhow::Result<File> {
    let path = folder.join(format!("server-{number}.log"));
    OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(&path)
        .with_context(|| path.display().to_string())
}
