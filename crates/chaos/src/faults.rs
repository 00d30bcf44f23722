//! Makes the planned faults happen.

use std::sync::Arc;
use std::time::Duration;

use embedded_postgres::StopMode;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::database::Database;
use crate::journal::Journal;
use crate::n8n::N8n;
use crate::plan::{Fault, Planned, Stop};
use crate::processes::{Order, Server};

/// How long a fault waits for its moment.
const AIM: Duration = Duration::from_millis(1_500);

/// Whom faults happen to.
#[derive(Clone)]
pub struct Targets {
    /// The servers.
    pub servers: Vec<Server>,
    /// The database.
    pub database: Arc<Database>,
    /// N8N.
    pub n8n: Arc<N8n>,
    /// The notes.
    pub journal: Arc<Journal>,
}

/// Injects every fault at its time, and returns when the last one has passed.
pub async fn inject(targets: &Targets, plan: &[Planned], start: Instant) {
    let mut under_way = JoinSet::new();
    for planned in plan {
        tokio::time::sleep_until(start + planned.at).await;
        let (targets, fault) = (targets.clone(), planned.fault);
        under_way.spawn(async move {
            if let Err(error) = targets.one(fault).await {
                targets.journal.count("faults that could not be injected");
                targets.journal.fault_failed(format!("{}: {error:#}", fault.name()));
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

impl Targets {
    async fn one(&self, fault: Fault) -> anyhow::Result<()> {
        self.journal.fault(fault.name());
        match fault {
            Fault::KillServer { server, down } => {
                let server = self.aim(server).await;
                self.order(server, Order::Kill { down }).await;
            }
            Fault::KillAll { down } => self.order_all(Order::Kill { down }).await,
            Fault::StopServer { server, down } => self.order(server, Order::Restart { down }).await,
            Fault::RollingRestart => {
                for server in 0..self.servers.len() {
                    self.order(server, Order::Restart { down: Duration::from_millis(200) }).await;
                }
            }
            Fault::Freeze { server, time, then_kill } => {
                let server = self.aim(server).await;
                self.order(server, Order::Freeze { time, then_kill }).await;
            }
            Fault::Postgres { stop, down } => {
                let mode = match stop {
                    Stop::Fast => StopMode::Fast,
                    Stop::Immediate => StopMode::Immediate,
                    Stop::Kill => StopMode::Kill,
                };
                self.wait_for_a_hand_off().await;
                self.database.restart(mode, down).await?;
            }
            Fault::CutConnections { one_in } => self.database.cut_connections(one_in).await?,
            Fault::HoldLimits { time } => self.database.hold_limits(time).await?,
            Fault::LockMessages { time } => self.database.lock_messages(time).await?,
            Fault::DiskFull { time } => self.database.fill_disk(time).await?,
            Fault::N8n { mode, time } => self.n8n.behave(mode, time).await,
            Fault::N8nDown { time } => self.n8n.go_down(time).await?,
        }
        Ok(())
    }

    /// A server with a hand-off under way, if one shows up soon; else the one that was planned. Few moments of a
    /// server's life are dangerous: left to chance alone, most faults would miss them.
    async fn aim(&self, planned: usize) -> usize {
        if !self.wait_for_a_hand_off().await {
            return planned;
        }
        let holder = self.database.a_holder().await.ok().flatten();
        let number = holder.and_then(|name| name.strip_prefix('s')?.split('.').next()?.parse::<usize>().ok());
        number.map_or(planned, |number| number.saturating_sub(1))
    }

    async fn wait_for_a_hand_off(&self) -> bool {
        let end = Instant::now() + AIM;
        while !self.n8n.is_busy() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.n8n.is_busy()
    }

    async fn order(&self, server: usize, order: Order) {
        if let Some(server) = self.servers.get(server) {
            server.obey(order).await;
        }
    }

    async fn order_all(&self, order: Order) {
        let mut all = JoinSet::new();
        for server in self.servers.clone() {
            all.spawn(async move { server.obey(order).await });
        }
        while all.join_next().await.is_some() {}
    }
}
