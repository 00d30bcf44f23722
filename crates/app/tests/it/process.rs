//! The binary itself, as a process that can be signalled and killed.
//!
//! ```ignore
//! let mut server = Process::serve(&support::settings(database.url(), &n8n.url())).await;
//! n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
//! server.http.run_worker(json!({})).await;
//! server.kill();                       // kill -9
//! server.terminate(); server.wait();   // SIGTERM, and its exit code
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Http, eventually};

/// The binary, without any settings of whoever runs the tests.
pub fn outbound(settings: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outbound"));
    command.env_clear().stdin(Stdio::null()).envs(settings);
    for name in ["PATH", "PG_BIN_DIR", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs the binary to its end.
pub async fn run(settings: &BTreeMap<String, String>, arguments: &[&str]) -> Output {
    let mut command = outbound(settings);
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What a finished process printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running `outbound serve`. Dropped, it is killed.
pub struct Process {
    child: Child,
    pub http: Http,
    printed: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Serves with these settings; `BIND_ADDR` may have port 0.
    pub async fn serve(settings: &BTreeMap<String, String>) -> Self {
        Self::start(settings, &[]).await
    }

    /// Serves with these settings and options, and waits until it is ready.
    pub async fn start(settings: &BTreeMap<String, String>, options: &[&str]) -> Self {
        let mut command = outbound(settings);
        command.arg("serve").args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (printed, log) = (Arc::default(), Arc::default());
        let readers = vec![
            follow(child.stdout.take().unwrap(), Arc::clone(&printed)),
            follow(child.stderr.take().unwrap(), Arc::clone(&log)),
        ];
        let mut process = Self { child, http: Http::new(String::new()), printed, log, readers };
        let url = eventually("the server listens", async || {
            if let Some(status) = process.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", process.log());
            }
            let log = process.log();
            let (_, rest) = log.split_once("listening on ")?;
            // To the end of the line, or of the JSON text.
            Some(rest.split_once(['\n', '"'])?.0.trim().to_owned())
        })
        .await;
        process.http = Http::new(url);
        process.http.wait_until_ready().await;
        process
    }

    pub fn callback_url(&self) -> String {
        format!("{}/api/outbound/callback", self.http.url)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// What it printed so far.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end and answers its exit code; `None` when a signal ended it.
    pub async fn wait(&mut self) -> Option<i32> {
        let status = eventually("the server ends", async || self.child.try_wait().unwrap()).await;
        // Then all has been read that it ever wrote.
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        status.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of {} ---\n{}", self.http.url, self.log());
        }
    }
}

fn follow(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// A folder that is gone with this value.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("outbound-it-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
