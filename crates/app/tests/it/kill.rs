//! The server dies in the middle of a run.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use test_support::scripted_n8n::{CallbackPlan, Reaction};

use crate::crowd;
use crate::process::Process;
use crate::support::{CALLBACK_SECRET, TestApp, eventually, settings};

const MESSAGES: u32 = 1_000;
const KILLS: usize = 3;
const CONCURRENCY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_nothing_is_lost_and_only_what_was_in_mid_hand_off_repeats_with_the_same_key() {
    // This server only keeps the queue; the one that is killed is a process of its own.
    let app = TestApp::builder()
        .script(|_| Reaction::accepted().slowly(Duration::from_millis(5)).then(CallbackPlan::sent()))
        .start()
        .await;
    crowd::queue(&app, MESSAGES).await;
    let mut values = settings(app.database.url(), &app.n8n.url());
    for (name, value) in
        [("N8N_TIMEOUT_SECONDS", "1"), ("WORKER_LEASE_SECONDS", "7"), ("WORKER_INTERVAL_SECONDS", "1")]
    {
        values.insert(name.to_owned(), value.to_owned());
    }
    values.insert("WORKER_CONCURRENCY".to_owned(), CONCURRENCY.to_string());
    values.insert("WORKER_BATCH_SIZE".to_owned(), "100".to_owned());
    let database = app.database.connect().await;
    let mut leased_at_a_kill: HashSet<String> = HashSet::new();
    for kill in 1..=KILLS {
        let mut server = Process::serve(&values).await;
        app.n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
        let enough = kill * MESSAGES as usize / (KILLS + 2);
        app.n8n.wait_until(|log| log.hand_offs.len() >= enough, Duration::from_secs(60)).await.unwrap();
        server.kill();
        // The dead server's last statement may still end: then it saved one of these.
        let leased = "select message_id::text from outbound_delivery where status = 'LEASED'";
        leased_at_a_kill.extend(database.query(leased, &[]).await.unwrap().iter().map(|row| row.get(0)));
    }
    assert!(!leased_at_a_kill.is_empty(), "it was killed in the middle of a run");
    let server = Process::serve(&values).await;
    app.n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
    eventually("all are SENT", async || (app.count("SENT").await == u64::from(MESSAGES)).then_some(())).await;

    let log = app.n8n.log();
    let keys: HashSet<_> = log.hand_offs.iter().map(|h| h.idempotency_key.as_str()).collect();
    assert_eq!(keys.len(), MESSAGES as usize, "one key for each message: a repeat carries the same");
    let repeats: usize = log.repeated_keys().iter().map(|(_, times)| times - 1).sum();
    println!("{}", json!({"kills": KILLS, "messages": MESSAGES, "repeated hand-offs": repeats}));
    for (key, _) in log.repeated_keys() {
        let (id, _) = key.split_once(':').unwrap();
        assert!(leased_at_a_kill.contains(id), "{id} was not leased when the server died, and repeats");
    }
    // At each kill at most the hand-offs under way and those whose outcome was being saved.
    assert!(repeats <= KILLS * 3 * CONCURRENCY, "{repeats} repeats");
}
