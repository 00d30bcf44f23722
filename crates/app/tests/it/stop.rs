//! How the server ends.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use test_support::database::TestDatabase;
use test_support::scripted_n8n::{CallbackPlan, Reaction, ScriptedN8n};

use crate::process::Process;
use crate::support::{CALLBACK_SECRET, PATIENCE, TestApp, friendly_n8n, kinds, settings, sms};

#[tokio::test]
async fn sigterm_in_the_middle_of_a_run_gives_back_the_rest_of_the_batch_and_exits_0() {
    let database = Arc::new(TestDatabase::create().await);
    let slow = |_: &_| Reaction::accepted().slowly(Duration::from_millis(400)).then(CallbackPlan::sent());
    let n8n = Arc::new(ScriptedN8n::start(slow).await.unwrap());
    let mut server = Process::serve(&settings(database.url(), &n8n.url())).await;
    n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(server.http.create(sms(number)).await);
    }
    let http = server.http.clone();
    let run = tokio::spawn(async move { http.run_worker(json!({"batchSize": 30, "concurrency": 2})).await });
    n8n.wait_until(|log| log.hand_offs.len() >= 4, PATIENCE).await.unwrap();
    server.terminate();

    // Whoever asked for the run gets the answer.
    let report = run.await.unwrap();
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
    let handed_off = n8n.log().hand_offs.len();
    assert!((4..30).contains(&handed_off), "{handed_off}");
    assert_eq!(report["processed"].as_u64(), Some(handed_off as u64), "{report}");

    // What another server finds: nothing leased, the rest as if it had never been taken.
    let next = TestApp::builder().database(Arc::clone(&database)).n8n(Arc::clone(&n8n)).start().await;
    n8n.call_back_to([format!("{}/api/outbound/callback", next.url)], CALLBACK_SECRET);
    assert_eq!(next.count("LEASED").await, 0);
    assert_eq!(next.count("QUEUED").await, 30 - handed_off as u64);
    let log = n8n.log();
    let released = ids.iter().find(|id| log.of(id).is_empty()).unwrap();
    let message = next.message(released).await;
    assert_eq!(kinds(&message), ["CREATED", "LEASED", "RELEASED"], "{message}");
    next.run_worker(json!({})).await;
    for id in &ids {
        next.wait_for_status(id, "SENT").await;
    }
    assert!(n8n.log().repeated_keys().is_empty());
}

#[tokio::test]
async fn an_idle_server_stops_at_once_by_either_signal_and_says_how_long_it_may_take() {
    let database = TestDatabase::create().await;
    let n8n = friendly_n8n().await;
    let mut values = settings(database.url(), &n8n.url());
    values.insert("WORKER_INTERVAL_SECONDS".to_owned(), "30".to_owned());
    values.insert("LOG_FORMAT".to_owned(), "json".to_owned());
    values.insert("BIND_ADDR".to_owned(), "localhost:0".to_owned());
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Process::serve(&values).await;
        let asked = std::time::Instant::now();
        server.signal(signal);
        assert_eq!(server.wait().await, Some(0), "{signal}: {}", server.log());
        assert!(asked.elapsed() < Duration::from_secs(10), "{signal}: {:?}", asked.elapsed());
        let lines: Vec<serde_json::Value> =
            server.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let stopping = lines.iter().find(|line| line["message"].as_str().unwrap().starts_with("stopping"));
        assert_eq!(stopping.unwrap()["within"], "35s");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_plainly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut values = settings("postgresql://127.0.0.1:1/nowhere", "http://127.0.0.1:1/");
    values.insert("BIND_ADDR".to_owned(), taken.local_addr().unwrap().to_string());
    let ended = crate::process::run(&values, &["serve"]).await;
    let said = crate::process::text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1));
    assert!(said.contains("cannot listen on 127.0.0.1:") && said.contains("BIND_ADDR"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_answered_while_the_server_stops_is_answered_well() {
    let database = TestDatabase::create().await;
    let n8n = friendly_n8n().await;
    let mut server = Process::serve(&settings(database.url(), &n8n.url())).await;
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let http = server.http.clone();
            tokio::spawn(async move {
                let mut answered = 0_u32;
                loop {
                    let request = http.request(reqwest::Method::POST, "/api/outbound/messages");
                    let body = sms(client * 100_000 + answered);
                    let Ok(response) = request.bearer_auth(http.admin()).json(&body).send().await else {
                        return answered;
                    };
                    assert_eq!(response.status().as_u16(), 201, "{}", response.text().await.unwrap());
                    answered += 1;
                }
            })
        })
        .collect();
    let http = server.http.clone();
    crate::support::eventually("the clients are at work", async || {
        (http.count("QUEUED").await > 200).then_some(())
    })
    .await;
    server.terminate();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
    let stored = database.connect().await.query_one("select count(*) from outbound_message", &[]).await;
    // What was answered is stored; of what was not, nobody knows.
    assert!(stored.unwrap().get::<_, i64>(0) >= i64::from(answered));
}

#[tokio::test]
async fn a_stopping_server_says_so_and_takes_requests_for_its_grace_each_of_which_ends_its_connection() {
    let database = TestDatabase::create().await;
    let n8n = friendly_n8n().await;
    let mut values = settings(database.url(), &n8n.url());
    values.insert("HTTP_GRACE_SECONDS".to_owned(), "3".to_owned());
    let mut server = Process::serve(&values).await;
    let get = async |path: &str| {
        let answer = crate::http::answer(server.http.request(reqwest::Method::GET, path)).await;
        (answer.status, answer.headers.get("connection").map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(get("/readyz").await, (200, None));
    server.terminate();
    crate::support::eventually("it is not ready", async || (get("/readyz").await.0 == 503).then_some(()))
        .await;
    assert_eq!(get("/livez").await, (200, Some("close".to_owned())));
    let id = server.http.create(sms(1)).await;
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
    let stored = database.connect().await.query_one("select id::text from outbound_message", &[]).await;
    assert_eq!(stored.unwrap().get::<_, String>(0), id);
}
