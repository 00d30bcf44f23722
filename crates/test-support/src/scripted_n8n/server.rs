//! The side that takes hand-offs.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::Caller;
use super::log::{HandOff, Journal};
use super::script::{Answer, Reaction};

pub(super) type Script = Arc<dyn Fn(&HandOff) -> Reaction + Send + Sync>;

pub(super) struct Server {
    script: RwLock<Script>,
    paused: watch::Sender<bool>,
    journal: Arc<Journal>,
    caller: Arc<Caller>,
}

impl Server {
    pub(super) fn new(script: Script, journal: Arc<Journal>, caller: Arc<Caller>) -> Self {
        Self { script: RwLock::new(script), paused: watch::Sender::new(false), journal, caller }
    }

    pub(super) fn set_script(&self, script: Script) {
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = script;
    }

    pub(super) fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    pub(super) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) {
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let Ok((stream, peer)) = accepted else { continue };
            let (server, stop) = (Arc::clone(&self), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(server.connection(stream, peer)).await;
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.answer(request, peer));
        // An error here is the script's wish, or the client's doing.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    /// An error closes the connection without an answer.
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> io::Result<Response<Full<Bytes>>> {
        let (arrived, arrived_at) = (Instant::now(), SystemTime::now());
        let (head, body) = request.into_parts();
        let raw = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
        let text_of = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text_of(value.as_bytes())));
        let headers: Vec<_> = headers.collect();
        let body: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let key = headers.iter().find(|(name, _)| name == "idempotency-key").map(|(_, value)| value.clone());
        let hand_off = self.journal.arrived(HandOff {
            order: 0,
            arrived,
            arrived_at,
            peer,
            path: head.uri.path().to_owned(),
            message_id: text("messageId"),
            attempt: body["attempt"].as_u64().unwrap_or(0),
            lease_id: text("leaseId"),
            idempotency_key: key.unwrap_or_default(),
            repeats: 0,
            headers,
            raw,
            body,
        });
        let script = Arc::clone(&*self.script.read().unwrap_or_else(PoisonError::into_inner));
        let reaction = script(&hand_off);
        self.caller.overtake(&hand_off, &reaction.callbacks).await;
        if !reaction.after.is_zero() {
            tokio::time::sleep(reaction.after).await;
        }
        // Its sender is in `self`, so that it never closes.
        let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
        self.caller.follow(&hand_off, reaction.callbacks);
        match reaction.answer {
            Answer::Reply { status, headers, body } => reply(status, &headers, body),
            Answer::Hang => std::future::pending().await,
            Answer::Close => Err(io::Error::other("closed as the script says")),
        }
    }
}

fn reply(status: u16, headers: &[(String, String)], body: String) -> io::Result<Response<Full<Bytes>>> {
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(name, value));
    builder.body(Full::new(Bytes::from(body))).map_err(io::Error::other)
}
