//! The side of N8N that takes hand-offs, on a port that it keeps.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::log::{HandOff, Log, Reply, Via, Word};
use super::script::{Mode, Reaction, Script, react};

/// Takes hand-offs.
pub struct Server {
    pub(super) script: Script,
    pub(super) mode: RwLock<(u64, Mode)>,
    pub(super) log: Arc<Log>,
    pub(super) caller: Arc<Caller>,
    /// Hand-offs that have arrived and have no answer yet.
    pub(super) in_flight: AtomicUsize,
}

/// One hand-off in flight, until its answer or the end of its connection.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a socket at the address, also right after another one was closed there.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(512)
}

impl Server {
    /// Serves until `stop`; then every connection is cut, whatever it was doing.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let Ok((stream, _)) = accepted else { continue };
            let (server, stop) = (Arc::clone(&self), stop.clone());
            tokio::spawn(async move {
                stop.run_until_cancelled(server.connection(stream)).await;
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.answer(request));
        // An error here is the script's wish, or the client's doing.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    /// An error closes the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
        let key = key.unwrap_or_default().to_owned();
        let raw = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        let body: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        let _in_flight = InFlight::begin(&self.in_flight);
        let (number, reaction) = self.take(&body, Via::Push, key).await;
        tokio::time::sleep(reaction.delay).await;
        match reaction.reply {
            Reply::Hung => std::future::pending::<()>().await,
            Reply::Closed => return Err(io::Error::other("closed as the script says")),
            Reply::Accepted
            | Reply::Settled(_)
            | Reply::NotAccepted(_)
            | Reply::Refused(_)
            | Reply::GatewayTimeout => {}
        }
        self.log.replied(number);
        respond(&reaction)
    }

    /// Takes a hand-off down, and begins to do what the script says.
    pub async fn take(&self, body: &Value, via: Via, key: String) -> (usize, Reaction) {
        let mut hand_off = HandOff::read(body, via, key);
        if hand_off.key != format!("{}:{}", hand_off.message, hand_off.attempt) {
            self.log.odd(format!("a hand-off of {} came with the key {:?}", hand_off.message, hand_off.key));
        }
        let (_, mode) = *self.mode.read().unwrap_or_else(PoisonError::into_inner);
        let reaction = react(&self.script, &hand_off.key, self.log.times(&hand_off.key), via, mode);
        hand_off.reply = reaction.reply;
        let number = self.log.arrived(hand_off.clone());
        self.caller.follow(&hand_off, &reaction.callbacks).await;
        (number, reaction)
    }
}

fn respond(reaction: &Reaction) -> io::Result<Response<Full<Bytes>>> {
    let (status, body) = match reaction.reply {
        Reply::Settled(word @ Word::Sent) => {
            (200, json!({"status": word.text(), "providerMessageId": "p-answer"}))
        }
        Reply::Settled(word) => (200, json!({"status": word.text(), "error": "said in the answer"})),
        Reply::NotAccepted(status) => (status, json!({"message": "not now"})),
        Reply::Refused(status) => (status, json!({"message": "not like this"})),
        Reply::GatewayTimeout => (504, json!({"message": "upstream timed out"})),
        Reply::Accepted | Reply::Hung | Reply::Closed => (200, json!({"message": "Workflow was started"})),
    };
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if let Some(seconds) = reaction.retry_after {
        response = response.header("retry-after", seconds.to_string());
    }
    response.body(Full::new(Bytes::from(body.to_string()))).map_err(io::Error::other)
}
