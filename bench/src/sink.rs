//! An N8N that answers at once and calls back singly: an ordinary HTTP server that reads the JSON it gets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::http::{Connection, request};
use crate::server::CALLBACK_SECRET;

/// How many callbacks are under way at a time.
const CALLBACKS: usize = 20;

/// The sink. Dropping it closes all its connections.
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    /// Callbacks that were answered with 2xx.
    pub called_back: Arc<AtomicU64>,
    /// Hand-offs that it was sent.
    pub handed_off: Arc<AtomicU64>,
    calls_back: Arc<AtomicBool>,
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<String>>>,
    tasks: JoinSet<()>,
}

impl Sink {
    /// Listens; calls nobody back yet.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (ids, waiting) = mpsc::unbounded_channel();
        let inbox = Inbox { ids, handed_off: Arc::default(), calls_back: Arc::default() };
        let (handed_off, calls_back) = (inbox.handed_off.clone(), inbox.calls_back.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, inbox));
        let waiting = Arc::new(Mutex::new(waiting));
        Ok(Self { address, called_back: Arc::default(), handed_off, calls_back, waiting, tasks })
    }

    /// The URL of its webhook.
    pub fn url(&self) -> String {
        format!("http://{}/webhook/outbound", self.address)
    }

    /// From now on this server is called back about what comes in.
    pub fn call_back(&mut self, server: SocketAddr) {
        self.calls_back.store(true, Ordering::Relaxed);
        for _ in 0..CALLBACKS {
            let (waiting, called_back) = (self.waiting.clone(), self.called_back.clone());
            self.tasks.spawn(async move {
                let mut connection = None;
                loop {
                    let Some(id) = waiting.lock().await.recv().await else { return };
                    // Until it is taken, as N8N would; idle connections are closed by the server.
                    while !is_taken(&mut connection, server, &id).await {}
                    called_back.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
}

/// The callback that a message was sent.
pub fn callback(id: &str) -> Vec<u8> {
    let body = format!(r#"{{"messageId":"{id}","status":"SENT","providerMessageId":"p{id}"}}"#);
    request("POST", "/api/outbound/callback", &[("x-callback-secret", CALLBACK_SECRET)], &body)
}

/// Whether the server took a callback; a connection that failed is made anew.
async fn is_taken(kept: &mut Option<Connection>, server: SocketAddr, id: &str) -> bool {
    let connection = match kept.take() {
        Some(connection) => Ok(connection),
        None => Connection::open(server).await,
    };
    let Ok(mut connection) = connection else { return false };
    let taken = connection.send(&callback(id)).await.map(|answer| answer.status == 200);
    if taken.is_ok() {
        *kept = Some(connection);
    }
    taken.unwrap_or(false)
}

/// Where hand-offs come in.
#[derive(Clone)]
struct Inbox {
    ids: mpsc::UnboundedSender<String>,
    handed_off: Arc<AtomicU64>,
    calls_back: Arc<AtomicBool>,
}

async fn accept(listener: TcpListener, inbox: Inbox) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let inbox = inbox.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, inbox.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>, inbox: Inbox) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    inbox.handed_off.fetch_add(1, Ordering::Relaxed);
    let parcel: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(id) = parcel.get("messageId").and_then(Value::as_str)
        && inbox.calls_back.load(Ordering::Relaxed)
    {
        let _ = inbox.ids.send(id.to_owned());
    }
    Ok(Response::new(Full::new(Bytes::from_static(br#"{"ok":true}"#))))
}
