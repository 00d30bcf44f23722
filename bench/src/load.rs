//! Connections at once, each asking on as soon as it is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::http::Connection;

/// What one connection asks, request after request.
pub trait Script: Send + 'static {
    /// The next request; `None` when there is nothing more to ask.
    fn next(&mut self) -> Option<Vec<u8>>;

    /// Takes the answer; answers how much was done by it, in the units that the case counts.
    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64>;

    /// Whether something was begun that the next request ends: it is asked even when the time is over.
    fn is_midway(&self) -> bool {
        false
    }
}

/// What came of it.
pub struct Load {
    /// Units that were done.
    pub done: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// How long each request took, in milliseconds.
    pub waits: Vec<f64>,
}

impl Load {
    /// Units a second.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }
}

/// Asks for so long; what is under way then is waited for. The connections are spread over the addresses.
pub async fn drive<S: Script>(
    addresses: &[SocketAddr],
    scripts: Vec<S>,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut connections = Vec::new();
    for (script, address) in scripts.into_iter().zip(addresses.iter().cycle()) {
        connections.push((Connection::open(*address).await?, script));
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (connection, script) in connections {
        tasks.spawn(ask(connection, script, started + time));
    }
    let (mut done, mut waits) = (0, Vec::new());
    while let Some(result) = tasks.join_next().await {
        let (by_one, its_waits) = result.context("a connection's task broke")??;
        done += by_one;
        waits.extend(its_waits);
    }
    Ok(Load { done, took: started.elapsed(), waits })
}

async fn ask<S: Script>(
    mut connection: Connection,
    mut script: S,
    end: Instant,
) -> anyhow::Result<(u64, Vec<f64>)> {
    let (mut done, mut waits) = (0, Vec::new());
    while Instant::now() < end || script.is_midway() {
        let Some(request) = script.next() else { break };
        let asked = Instant::now();
        let answer = connection.send(&request).await?;
        waits.push(asked.elapsed().as_secs_f64() * 1e3);
        done += script.answered(answer.status, answer.body)?;
    }
    Ok((done, waits))
}

/// An error that shows what was answered.
pub fn expect(status: u16, wanted: &[u16], body: &[u8]) -> anyhow::Result<()> {
    let shown = String::from_utf8_lossy(body.get(..body.len().min(400)).unwrap_or_default());
    anyhow::ensure!(wanted.contains(&status), "answered {status}: {shown}");
    Ok(())
}
