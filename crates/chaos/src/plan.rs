//! Which fault comes when: all of it decided by the seed before the run begins.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::n8n::script::Mode;

/// The mean time between two faults, where the run is long enough for all of them.
const USUAL_GAP: Duration = Duration::from_secs(4);

/// How a database is brought down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// As an administrator does.
    Fast,
    /// As after a failure of power.
    Immediate,
    /// By `kill -9` of its main process.
    Kill,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of one server.
    KillServer {
        /// Which.
        server: usize,
        /// How long it is down.
        down: Duration,
    },
    /// `kill -9` of all servers at once.
    KillAll {
        /// How long they are down.
        down: Duration,
    },
    /// SIGTERM to one server.
    StopServer {
        /// Which.
        server: usize,
        /// How long it is down.
        down: Duration,
    },
    /// SIGTERM to one server after the other, as a new version is rolled out.
    RollingRestart,
    /// SIGSTOP for longer than a lease, or shorter.
    Freeze {
        /// Which.
        server: usize,
        /// How long.
        time: Duration,
        /// Whether it is killed in its sleep.
        then_kill: bool,
    },
    /// The database goes down and comes back.
    Postgres {
        /// How.
        stop: Stop,
        /// How long it is down, besides its own restart.
        down: Duration,
    },
    /// Some connections to the database end.
    CutConnections {
        /// One in so many.
        one_in: u32,
    },
    /// The row that every limited lease needs is locked.
    HoldLimits {
        /// How long.
        time: Duration,
    },
    /// The messages' table is locked.
    LockMessages {
        /// How long.
        time: Duration,
    },
    /// Writes fail as on a full disk.
    DiskFull {
        /// How long.
        time: Duration,
    },
    /// N8N behaves in some way.
    N8n {
        /// How.
        mode: Mode,
        /// How long.
        time: Duration,
    },
    /// N8N is gone: connections break and are refused.
    N8nDown {
        /// How long.
        time: Duration,
    },
}

impl Fault {
    /// Its line in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::KillServer { .. } => "kill -9 of a server",
            Self::KillAll { .. } => "kill -9 of all servers at once",
            Self::StopServer { .. } => "SIGTERM to a server, and its restart",
            Self::RollingRestart => "rolling restart of all servers",
            Self::Freeze { then_kill: true, .. } => "SIGSTOP of a server, then kill -9",
            Self::Freeze { .. } => "SIGSTOP of a server, then SIGCONT",
            Self::Postgres { stop: Stop::Fast, .. } => "PostgreSQL restarted (fast)",
            Self::Postgres { stop: Stop::Immediate, .. } => "PostgreSQL restarted (immediate)",
            Self::Postgres { stop: Stop::Kill, .. } => "PostgreSQL restarted (kill -9)",
            Self::CutConnections { .. } => "database connections cut",
            Self::HoldLimits { .. } => "the limits' row locked by somebody else",
            Self::LockMessages { .. } => "the messages' table locked by somebody else",
            Self::DiskFull { .. } => "the database's disk full",
            Self::N8n { mode: Mode::Unavailable, .. } => "N8N answers 503",
            Self::N8n { mode: Mode::TooMany { .. }, .. } => "N8N answers 429 with Retry-After",
            Self::N8n { mode: Mode::GatewayTimeout, .. } => "N8N answers 504",
            Self::N8n { mode: Mode::Hang, .. } => "N8N hangs",
            Self::N8n { mode: Mode::Slow { .. }, .. } => "N8N answers slowly",
            Self::N8n { mode: Mode::Close, .. } => "N8N closes connections",
            Self::N8n { mode: Mode::Silent, .. } => "N8N never calls back",
            Self::N8n { mode: Mode::Normal | Mode::Calm, .. } => "N8N as usual",
            Self::N8nDown { .. } => "N8N is down (connections refused)",
        }
    }
}

/// A fault with its time, from the beginning of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Duration,
    /// What.
    pub fault: Fault,
}

/// The plan of a run: every kind of fault comes once before any comes again.
pub fn plan(seed: u64, time: Duration, servers: usize) -> Vec<Planned> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut deck, mut planned) = (Vec::new(), Vec::new());
    let calm = Duration::from_secs(3);
    let end = time.saturating_sub(Duration::from_secs(4));
    // Short runs see every kind too.
    let many = u32::try_from(kinds(&mut rng, servers, 1.0).len()).unwrap_or(1);
    let gap = (end.saturating_sub(calm) / many.max(1)).min(USUAL_GAP);
    let share = (gap.as_secs_f64() / USUAL_GAP.as_secs_f64()).clamp(0.3, 1.0);
    let mut at = calm;
    while at < end {
        if deck.is_empty() {
            deck = kinds(&mut rng, servers, share);
            deck.shuffle(&mut rng);
        }
        planned.extend(deck.pop().map(|fault| Planned { at, fault }));
        at += gap.mul_f64(rng.random_range(0.4..1.6)).max(Duration::from_millis(100));
    }
    planned
}

/// Every kind of fault; what only passes the time lasts no longer than this share.
fn kinds(rng: &mut StdRng, servers: usize, share: f64) -> Vec<Fault> {
    let millis = |rng: &mut StdRng, from, to| Duration::from_millis(rng.random_range(from..to));
    let server = |rng: &mut StdRng| rng.random_range(0..servers.max(1));
    let n8n = |rng: &mut StdRng, mode, from, to| {
        let time = millis(rng, from, to).mul_f64(share);
        Fault::N8n { mode, time }
    };
    let postgres =
        |rng: &mut StdRng, stop| Fault::Postgres { stop, down: millis(rng, 0, 2_500).mul_f64(share) };
    let slow = Mode::Slow { millis: rng.random_range(800..2_400) };
    let too_many = Mode::TooMany { retry_after: rng.random_range(1..5) };
    vec![
        Fault::KillServer { server: server(rng), down: millis(rng, 0, 2_000) },
        Fault::KillServer { server: server(rng), down: millis(rng, 0, 500) },
        Fault::KillServer { server: server(rng), down: Duration::ZERO },
        Fault::KillAll { down: millis(rng, 0, 1_500) },
        Fault::StopServer { server: server(rng), down: millis(rng, 0, 1_500) },
        Fault::RollingRestart,
        // Past the lease.
        Fault::Freeze { server: server(rng), time: millis(rng, 9_000, 13_000), then_kill: false },
        Fault::Freeze { server: server(rng), time: millis(rng, 8_200, 10_000), then_kill: false },
        Fault::Freeze { server: server(rng), time: millis(rng, 300, 5_000), then_kill: false },
        Fault::Freeze { server: server(rng), time: millis(rng, 500, 9_000), then_kill: true },
        postgres(rng, Stop::Fast),
        postgres(rng, Stop::Immediate),
        postgres(rng, Stop::Immediate),
        postgres(rng, Stop::Kill),
        Fault::CutConnections { one_in: 1 },
        Fault::CutConnections { one_in: 2 },
        Fault::HoldLimits { time: millis(rng, 1_000, 7_000) },
        Fault::LockMessages { time: millis(rng, 1_000, 6_500).mul_f64(share) },
        Fault::DiskFull { time: millis(rng, 500, 3_500) },
        n8n(rng, Mode::Unavailable, 1_000, 6_000),
        n8n(rng, too_many, 1_000, 4_000),
        n8n(rng, Mode::GatewayTimeout, 500, 2_500),
        n8n(rng, Mode::Hang, 1_500, 5_000),
        n8n(rng, slow, 3_000, 8_000),
        n8n(rng, Mode::Close, 500, 3_000),
        n8n(rng, Mode::Silent, 1_000, 4_000),
        Fault::N8nDown { time: millis(rng, 500, 5_000).mul_f64(share) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_the_seeds_and_has_every_kind_of_fault() {
        let minute = Duration::from_secs(60);
        assert_eq!(plan(5, minute, 3), plan(5, minute, 3));
        assert_ne!(plan(5, minute, 3), plan(6, minute, 3));
        for seconds in [30, 60, 600] {
            let time = Duration::from_secs(seconds);
            let planned = plan(9, time, 3);
            let names: std::collections::BTreeSet<_> = planned.iter().map(|one| one.fault.name()).collect();
            assert!(names.len() >= 17, "{seconds} s: {names:?}");
            assert!(planned.is_sorted_by_key(|one| one.at) && planned.iter().all(|one| one.at < time));
        }
    }
}
