//! Several workers and several servers on one database.

use serde_json::{Value, json};

use crate::crowd;
use crate::process::Process;
use crate::support::{CALLBACK_SECRET, Http, TestApp, eventually, settings};

const MESSAGES: u32 = 5_000;

/// Runs the worker of a server until nothing is due.
async fn work(http: &Http) -> u64 {
    let mut processed = 0;
    loop {
        let report: Value = http.run_worker(json!({"batchSize": 200, "concurrency": 20})).await;
        let now = report["processed"].as_u64().unwrap();
        processed += now;
        if now == 0 && report["remainingEstimate"] == 0 {
            return processed;
        }
    }
}

/// N8N got each message once, and all are SENT.
async fn all_sent_once(app: &TestApp) {
    eventually("all are SENT", async || (app.count("SENT").await == u64::from(MESSAGES)).then_some(())).await;
    let log = app.n8n.log();
    assert_eq!(log.repeated_keys(), []);
    assert_eq!(log.hand_offs.len(), MESSAGES as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_drain_the_queue_and_n8n_gets_each_message_once() {
    let app = TestApp::start().await;
    crowd::queue(&app, MESSAGES).await;
    let (one, other) = tokio::join!(work(&app), work(&app));
    assert_eq!(one + other, u64::from(MESSAGES));
    all_sent_once(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_server_processes_drain_one_database_and_n8n_gets_each_message_once() {
    let app = TestApp::start().await;
    crowd::queue(&app, MESSAGES).await;
    let settings = settings(app.database.url(), &app.n8n.url());
    let (one, other) = tokio::join!(Process::serve(&settings), Process::serve(&settings));
    app.n8n.call_back_to([one.callback_url(), other.callback_url()], CALLBACK_SECRET);
    let (first, second) = tokio::join!(work(&one.http), work(&other.http));
    assert_eq!(first + second, u64::from(MESSAGES));
    all_sent_once(&app).await;
}
