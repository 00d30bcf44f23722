//! Rolling restarts: servers come and go under load, and no client notices.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use test_support::scripted_n8n::{CallbackPlan, Reaction, ScriptedN8n};

use crate::process::Process;
use crate::support::{CALLBACK_SECRET, Http, TestApp, eventually, settings, sms};

const CLIENTS: u32 = 6;
const ROUNDS: usize = 2;
/// So many are answered between two restarts.
const MEANWHILE: usize = 150;

/// What stands before the servers: it asks each whether it is ready, and sends nobody to one that is not.
#[derive(Default)]
struct Balancer {
    ready: Mutex<Vec<Http>>,
    next: AtomicU32,
}

impl Balancer {
    fn pick(&self) -> Option<Http> {
        let ready = self.ready.lock().unwrap();
        let turn = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        (!ready.is_empty()).then(|| ready[turn % ready.len()].clone())
    }

    async fn watch(&self, servers: &Mutex<Vec<Http>>) {
        let known = servers.lock().unwrap().clone();
        let mut ready = Vec::new();
        for server in known {
            let answer = server.request(Method::GET, "/readyz").send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                ready.push(server);
            }
        }
        *self.ready.lock().unwrap() = ready;
    }
}

/// Creates messages until it is told to stop; answers the ids that it was given. Whoever was refused a connection
/// tries elsewhere; any other failure is a request that was lost.
async fn create(
    client: u32,
    balancer: Arc<Balancer>,
    answered: Arc<Mutex<HashSet<String>>>,
    over: Arc<AtomicBool>,
) {
    let connections = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut number = client * 1_000_000;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let created = loop {
            let Some(server) = balancer.pick() else {
                tokio::task::yield_now().await;
                continue;
            };
            let request = connections.post(format!("{}/api/outbound/messages", server.url));
            match request.bearer_auth(server.admin()).json(&sms(number)).send().await {
                Ok(answer) => {
                    assert_eq!(answer.status().as_u16(), 201);
                    break answer.json::<Value>().await.expect("a whole answer");
                }
                Err(error) => assert!(error.is_connect(), "a request was lost: {error:?}"),
            }
        };
        let id = created["outboundMessage"]["id"].as_str().unwrap().to_owned();
        assert!(answered.lock().unwrap().insert(id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_restart_in_turn_under_load_without_a_lost_request_or_a_doubled_hand_off() {
    let app = TestApp::builder()
        .script(|_| Reaction::accepted().slowly(Duration::from_millis(5)).then(CallbackPlan::sent()))
        .start()
        .await;
    let mut values = settings(app.database.url(), &app.n8n.url());
    for (name, value) in [("WORKER_INTERVAL_SECONDS", "1"), ("HTTP_GRACE_SECONDS", "2")] {
        values.insert(name.to_owned(), value.to_owned());
    }
    let mut processes = vec![Process::serve(&values).await, Process::serve(&values).await];
    let servers =
        Arc::new(Mutex::new(processes.iter().map(|process| process.http.clone()).collect::<Vec<_>>()));
    let (balancer, answered, over) =
        (Arc::<Balancer>::default(), Arc::default(), Arc::new(AtomicBool::new(false)));
    call_back_to(&app.n8n, &processes);
    let watcher = {
        let (balancer, servers, over) = (Arc::clone(&balancer), Arc::clone(&servers), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                balancer.watch(&servers).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(create(client, Arc::clone(&balancer), Arc::clone(&answered), Arc::clone(&over)))
        })
        .collect();

    for turn in 0..ROUNDS * processes.len() {
        let enough = answered_so_far(&answered) + MEANWHILE;
        eventually("clients are answered", async || (answered_so_far(&answered) >= enough).then_some(()))
            .await;
        let at = turn % processes.len();
        processes[at].terminate();
        assert_eq!(processes[at].wait().await, Some(0), "{}", processes[at].log());
        processes[at] = Process::serve(&values).await;
        *servers.lock().unwrap() = processes.iter().map(|process| process.http.clone()).collect();
        call_back_to(&app.n8n, &processes);
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    watcher.await.unwrap();

    let answered: HashSet<String> = answered.lock().unwrap().clone();
    let stored = app.database.connect().await.query_one("select count(*) from outbound_message", &[]).await;
    assert_eq!(stored.unwrap().get::<_, i64>(0), answered.len() as i64, "each request was done once");
    eventually("all are SENT", async || (app.count("SENT").await == answered.len() as u64).then_some(()))
        .await;
    let log = app.n8n.log();
    assert_eq!(log.repeated_keys(), []);
    assert_eq!(log.hand_offs.len(), answered.len());
    assert!(log.hand_offs.iter().all(|hand_off| answered.contains(&hand_off.message_id)));
}

fn call_back_to(n8n: &ScriptedN8n, servers: &[Process]) {
    n8n.call_back_to(servers.iter().map(Process::callback_url), CALLBACK_SECRET);
}

fn answered_so_far(answered: &Mutex<HashSet<String>>) -> usize {
    answered.lock().unwrap().len()
}
