//! Where the processor time goes: how much of it the server and PostgreSQL use for one unit of work.

use std::time::Duration;

use anyhow::Context as _;
use nix::unistd::{SysconfVar, sysconf};

use crate::figures::{Bar, Row};
use crate::server::Server;
use crate::world::World;

/// What the servers and PostgreSQL have used up to a moment.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    server: Duration,
    postgres: Duration,
}

impl Effort {
    /// Up to now. PostgreSQL's is that of its processes that live, and of those that have ended.
    pub fn now(world: &World, servers: &[&Server]) -> anyhow::Result<Self> {
        let postmaster = world.postgres.postmaster_pid().context("PostgreSQL is down")?;
        let mut server = Duration::ZERO;
        for one in servers {
            server += one.cpu()?;
        }
        Ok(Self { server, postgres: of_family(postmaster)? })
    }
}

/// Microseconds for each unit, by rounds.
#[derive(Debug, Default)]
pub struct Efforts {
    server: Vec<f64>,
    postgres: Vec<f64>,
}

impl Efforts {
    /// Takes down a round in which so many units were done.
    pub fn push(&mut self, before: Effort, after: Effort, done: f64) {
        let of_one = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / done.max(1.0);
        self.server.push(of_one(before.server, after.server));
        self.postgres.push(of_one(before.postgres, after.postgres));
    }

    /// Lines of the table.
    pub fn rows(self, case: &str) -> Vec<Row> {
        let row =
            |who, figures| Row::alone(format!("processor time of {who}, {case}"), "µs", figures, Bar::Open);
        vec![row("the server", self.server), row("PostgreSQL", self.postgres)]
    }
}

/// The time of a process, its children, and those of its children that have ended.
fn of_family(parent: i32) -> anyhow::Result<Duration> {
    let mut all = 0;
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path().join("stat");
        // It may have ended since.
        let Ok(stat) = std::fs::read_to_string(path) else { continue };
        all += ticks_in_family(&stat, parent).unwrap_or(0);
    }
    let a_second = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(Duration::from_secs_f64(all as f64 / a_second as f64))
}

/// User and system ticks, if the process is the parent (then with those of ended children) or a child of it.
fn ticks_in_family(stat: &str, parent: i32) -> Option<u64> {
    let (pid, rest) = stat.split_once(' ')?;
    let fields: Vec<&str> = rest.rsplit_once(')')?.1.split_whitespace().collect();
    let sum = |of: std::ops::Range<usize>| -> Option<u64> {
        fields.get(of)?.iter().map(|field| field.parse::<u64>().ok()).sum()
    };
    if pid.parse() == Ok(parent) {
        sum(11..15)
    } else if fields.get(1)?.parse() == Ok(parent) {
        sum(11..13)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_familys_time_is_that_of_its_living_and_its_ended_members() {
        let parent = "12 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 7 3 20 0 9 0 1";
        let child = "13 (d) S 12 1 1 0 -1 4194560 100 0 0 0 20 5 1 1 20 0 9 0 1";
        assert_eq!(super::ticks_in_family(parent, 12), Some(310));
        assert_eq!(super::ticks_in_family(child, 12), Some(25));
        assert_eq!(super::ticks_in_family(child, 99), None);
    }
}
