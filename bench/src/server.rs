//! A server process, seen from outside.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::http::{Connection, request};
use crate::world::World;

const JWT_SECRET: &str = "bench-jwt-secret-0123456789abcdef";
/// `WORKER_SECRET`.
pub const WORKER_SECRET: &str = "bench-worker-secret-0123456789";
/// `N8N_CALLBACK_SECRET`.
pub const CALLBACK_SECRET: &str = "bench-callback-secret-0123456789";
/// How long a server may take to start or to stop.
const LIMIT: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills the process.
pub struct Server {
    child: Child,
    pid: i32,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to its first answer.
    pub started_in: Duration,
}

impl Server {
    /// Starts a server on a database and waits for its first answer. Logs as it does by default, to a file.
    pub async fn start(world: &World, database: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = world.folder.join(format!("{database}-{}.log", address.port()));
        let log = std::fs::File::create(&log)?;
        let url = world.postgres.url(database);
        let mut command = Command::new(&world.binary);
        command.arg("--data-dir").arg(world.folder.join("unused")).arg("serve").env_clear();
        command.envs([
            ("DATABASE_URL", url.as_str()),
            ("JWT_SECRET", JWT_SECRET),
            ("WORKER_SECRET", WORKER_SECRET),
            ("N8N_CALLBACK_SECRET", CALLBACK_SECRET),
            // On, and never reached: what is measured pays for them.
            ("WORKER_RATE_LIMIT_PER_MIN", "1000000"),
            ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", "1000000"),
            ("OPS_QUIET_HOURS", "off"),
        ]);
        command.envs(settings.iter().copied()).env("BIND_ADDR", address.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().with_context(|| world.binary.display().to_string())?;
        let pid = child.id().context("the server ended at once")?.cast_signed();
        let ask = request("GET", "/readyz", &[], "");
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.send(&ask).await.is_ok_and(|answer| answer.status == 200)
            {
                break;
            }
            anyhow::ensure!(child.try_wait()?.is_none(), "the server ended; see its log");
            anyhow::ensure!(began.elapsed() < LIMIT, "the server did not answer in {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { child, pid, address, started_in: began.elapsed() })
    }

    /// Asks it to stop, and waits.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM)?;
        tokio::time::timeout(LIMIT, self.child.wait()).await.context("the server does not stop")??;
        Ok(())
    }

    /// The processor time that it has used.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let ticks = ticks(&text).context("an odd /proc/*/stat")?;
        let a_second = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
        Ok(Duration::from_secs_f64(ticks as f64 / a_second as f64))
    }

    /// What it holds in memory, in MB: now, and at most so far.
    pub fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let of = |name| kilobytes(&text, name).map(|kb| kb / 1024.0).context("an odd /proc/*/status");
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

/// User and system ticks. The name before them may hold anything but ends with the last bracket.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |n: usize| fields.get(n)?.parse::<u64>().ok();
    Some(field(11)? + field(12)?)
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// `Authorization` of an admin.
pub fn bearer() -> anyhow::Result<String> {
    // The year 2100.
    let claims = json!({"sub": "bench-admin", "role": "admin", "exp": 4_102_444_800_u64});
    let token =
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(JWT_SECRET.as_bytes()));
    Ok(format!("Bearer {}", token.context("cannot sign a token")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_and_memory_are_read_from_proc() {
        let stat = "12 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(kilobytes("VmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n", "VmRSS:"), Some(1024.0));
    }
}
