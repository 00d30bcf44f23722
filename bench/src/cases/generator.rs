//! What the load generator can do, against a server that answers without doing anything: it must not be the
//! bottleneck.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::figures::{Bar, Row};
use crate::load::{Script, drive, expect};
use crate::sink::callback;
use crate::world::World;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

struct Ask(Vec<u8>);

impl Script for Ask {
    fn next(&mut self) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> anyhow::Result<u64> {
        expect(status, &[200], body)?;
        Ok(1)
    }
}

pub async fn run(world: &World) -> anyhow::Result<Vec<Row>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer(stream));
        }
    });
    let mut rates = Vec::new();
    for round in 0..world.size.rounds {
        let scripts = (0..16).map(|_| Ask(callback("x"))).collect();
        let load = drive(&[address], scripts, world.size.time()).await?;
        super::say("generator", round, "requests/s", load.rate());
        rates.push(load.rate());
    }
    let case = "load generator against a constant answer, 16 connections";
    Ok(vec![Row::alone(case, "requests/s", rates, Bar::Open)])
}

/// Requests are small and come one at a time: what one read gets is one request.
async fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    let _ = stream.set_nodelay(true);
    while let Ok(1..) = stream.read(&mut buffer).await {
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}
