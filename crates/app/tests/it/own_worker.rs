//! The server's own worker.

use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta};
use domain::ports::Clock as _;
use serde_json::json;
use test_support::database::TestDatabase;
use test_support::scripted_n8n::Reaction;

use crate::process::{Process, Scratch};
use crate::support::{CALLBACK_SECRET, PATIENCE, TestApp, eventually, friendly, friendly_n8n, settings, sms};

/// So long that nothing in these tests can be its doing.
const NEVER: &str = "3000";

#[tokio::test]
async fn a_new_message_goes_out_within_a_second() {
    let app = TestApp::builder().set("WORKER_INTERVAL_SECONDS", NEVER).start().await;
    let mut fastest = Duration::MAX;
    // The best of five: the machine may be busy with other tests.
    for number in 0..5 {
        let id = app.create(sms(number)).await;
        let queued = Instant::now();
        app.n8n.wait_until(|log| !log.of(&id).is_empty(), PATIENCE).await.unwrap();
        fastest = fastest.min(queued.elapsed());
        app.wait_for_status(&id, "SENT").await;
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

#[tokio::test]
async fn a_scheduled_message_goes_out_when_it_becomes_due() {
    let app = TestApp::builder().set("WORKER_INTERVAL_SECONDS", NEVER).start().await;
    let due = app.clock.now() + TimeDelta::seconds(2);
    let mut body = sms(1);
    body["scheduledAt"] = due.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    let id = app.create(body).await;
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "QUEUED");
    app.wait_for_status(&id, "SENT").await;
    let log = app.n8n.log();
    let arrived: chrono::DateTime<chrono::Utc> = log.of(&id)[0].arrived_at.into();
    // PostgreSQL keeps microseconds, JSON milliseconds.
    assert!(arrived >= due - TimeDelta::milliseconds(2), "{arrived} {due}");
}

#[tokio::test]
async fn messages_that_are_held_back_do_not_make_it_spin() {
    let app = TestApp::builder()
        .set("WORKER_INTERVAL_SECONDS", NEVER)
        .set("WORKER_RATE_LIMIT_PER_MIN", "3")
        .start()
        .await;
    for number in 0..10 {
        app.create(sms(number)).await;
    }
    app.n8n.wait_until(|log| log.hand_offs.len() == 3, PATIENCE).await.unwrap();
    // Let it go on for a while: without new messages, with seven that are held back.
    let statements = async || {
        let client = app.database.connect().await;
        let row = client
            .query_one("select xact_commit from pg_stat_database where datname = current_database()", &[]);
        row.await.unwrap().get::<_, i64>(0)
    };
    let (before, started) = (statements().await, Instant::now());
    eventually("three seconds are over", async || (started.elapsed() > Duration::from_secs(3)).then_some(()))
        .await;
    let made = statements().await - before;
    assert!(made < 300, "{made} transactions in three seconds");
    assert_eq!(app.n8n.log().hand_offs.len(), 3);
    // A minute later the next three go, without anybody's asking.
    app.clock.advance(TimeDelta::seconds(62));
    app.n8n.wait_until(|log| log.hand_offs.len() == 6, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_hand_off_that_was_not_accepted_goes_out_again_when_its_wait_is_over() {
    let app = TestApp::builder()
        .set("WORKER_INTERVAL_SECONDS", NEVER)
        .script(|hand_off| if hand_off.repeats == 0 { Reaction::unavailable() } else { friendly(hand_off) })
        .start()
        .await;
    let id = app.create(sms(1)).await;
    eventually("it is back in the queue", async || {
        let message = app.message(&id).await;
        (message["outboundMessage"]["error"].is_string()).then_some(())
    })
    .await;
    app.clock.advance(TimeDelta::seconds(6));
    app.wait_for_status(&id, "SENT").await;
    assert_eq!(app.n8n.log().of(&id)[1].idempotency_key, format!("{id}:1"));
}

#[tokio::test]
async fn without_an_interval_it_only_runs_on_request_but_looks_after_what_is_overdue() {
    let app = TestApp::builder()
        .set("CALLBACK_TIMEOUT_SECONDS", "60")
        .script(|_| Reaction::accepted())
        .start()
        .await;
    let id = app.create(sms(1)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&id, "DISPATCHED").await;
    app.clock.advance(TimeDelta::seconds(61));
    let message = app.wait_for_status(&id, "FAILED").await;
    assert_eq!(message["outboundMessage"]["failureKind"], "HELD");
    assert_eq!(app.n8n.log().hand_offs.len(), 1);
}

#[tokio::test]
async fn the_clock_of_a_server_for_tests_follows_its_file() {
    let folder = Scratch::new("clock");
    let file = folder.path().join("offset");
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let mut values = settings(database.url(), &n8n.url());
    values.insert("OUTBOUND_TEST_CLOCK_FILE".to_owned(), file.to_str().unwrap().to_owned());
    values.insert("WORKER_INTERVAL_SECONDS".to_owned(), NEVER.to_owned());
    let server = Process::serve(&values).await;
    n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
    assert!(server.log().contains("THE CLOCK IS NOT REAL"));
    let mut body = sms(1);
    let due = app::clock::SystemClock.now() + TimeDelta::minutes(30);
    body["scheduledAt"] = due.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    let id = server.http.create(body).await;
    assert_eq!(server.http.message(&id).await["outboundMessage"]["status"], "QUEUED");
    std::fs::write(&file, "3600").unwrap();
    server.http.wait_for_status(&id, "SENT").await;
}
