//! The same recipient, the same template, the same local day: once (contract §7).

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::support::{TestApp, eventually, kinds};

const MESSAGES: &str = "/api/outbound/messages";

fn message() -> Value {
    json!({"channel": "SMS", "to": "0901234567", "text": "Chào chị Lan"})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = message();
    body[name] = value;
    body
}

async fn post(app: &TestApp, body: &Value) -> Answer {
    app.post(MESSAGES, &app.admin(), body).await
}

/// Whether a request queues a message, or is told that it is a duplicate.
#[track_caller]
fn is_queued(answer: &Answer) -> bool {
    let body = &answer.body;
    match answer.status {
        201 => {
            assert_eq!((&body["skipped"], body.get("reason")), (&json!(false), None), "{body}");
            assert_eq!(body["outboundMessage"]["status"], "QUEUED");
            true
        }
        _ => {
            assert_eq!((answer.status, &body["skipped"]), (200, &json!(true)), "{body}");
            assert_eq!(body["reason"], "DUPLICATE_TODAY");
            assert_eq!(body["outboundMessage"]["status"], "SKIPPED");
            assert_eq!(body["outboundMessage"]["error"], "DUPLICATE_TODAY");
            false
        }
    }
}

async fn queues(app: &TestApp, body: &Value) -> bool {
    is_queued(&post(app, body).await)
}

async fn template(app: &TestApp, key: &str) {
    let body = json!({"key": key, "title": key, "channel": "SMS", "body": "Chào {{ name }}"});
    app.post("/api/outbound/templates", &app.admin(), &body).await.expect(201);
}

/// Holds messages back from being stored until so many requests wait for it: then they meet however fast the machine
/// is, and nothing that looked before it stored has seen the others.
pub async fn meeting<T>(app: &TestApp, enough: i64, requests: impl Future<Output = T>) -> T {
    let (holder, watcher) = (app.database.connect().await, app.database.connect().await);
    holder.batch_execute("begin; lock table outbound_message in share mode").await.unwrap();
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let (answers, ()) = tokio::join!(requests, async {
        eventually("the requests meet", async || {
            let count: i64 = watcher.query_one(waiting, &[]).await.unwrap().get(0);
            (count >= enough).then_some(())
        })
        .await;
        holder.batch_execute("commit").await.unwrap();
    });
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_equal_requests_at_once_to_two_servers_one_is_queued_and_49_are_told_that_they_are_duplicates()
 {
    let app = TestApp::start().await;
    let second = TestApp::builder().beside(&app).start().await;
    let body = message();
    let requests = (0..50).map(|n| post(if n % 2 == 0 { &app } else { &second }, &body));
    let answers = meeting(&app, 4, join_all(requests)).await;
    assert_eq!(answers.iter().filter(|answer| is_queued(answer)).count(), 1);
    assert_eq!((app.count("QUEUED").await, app.count("SKIPPED").await), (1, 49));
    assert_eq!(app.run_worker(json!({})).await["processed"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulks_at_once_queue_each_recipient_once() {
    let app = TestApp::start().await;
    let recipients: Vec<_> = (0..200).map(|n| json!({"to": format!("09012{n:05}")})).collect();
    let (ahead, behind): (Vec<_>, Vec<_>) = (recipients.clone(), recipients.into_iter().rev().collect());
    let requests = (0..8).map(|n| {
        let rows = if n % 2 == 0 { &ahead } else { &behind };
        let body = json!({"channel": "SMS", "text": "Chào", "recipients": rows});
        let app = &app;
        async move { app.post("/api/outbound/messages/bulk", &app.admin(), &body).await }
    });
    let answers = meeting(&app, 8, join_all(requests)).await;
    let sum = |name: &str| answers.iter().map(|answer| answer.body[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("created"), sum("skipped")), (200, 7 * 200));
    assert_eq!(app.count("QUEUED").await, 200);
}

#[tokio::test]
async fn it_is_the_recipient_that_counts_however_it_is_written_and_the_template_whatever_it_says() {
    let app = TestApp::start().await;
    template(&app, "hello").await;
    template(&app, "bye").await;
    assert!(queues(&app, &message()).await);
    for same in ["+84901234567", "0901 234 567", "84-901-234-567"] {
        assert!(!queues(&app, &with("to", json!(same))).await, "{same}");
    }
    // The same text, written in another way of Unicode.
    assert!(!queues(&app, &with("text", json!("Cha\u{300}o chi\u{323} Lan"))).await);
    assert!(queues(&app, &with("to", json!("0901234568"))).await, "another number");
    assert!(queues(&app, &with("text", json!("Chào anh Nam"))).await, "another text");
    let from = |key: &str, name: &str| json!({"channel": "SMS", "to": "0901234567", "templateKey": key, "variables": {"name": name}});
    assert!(queues(&app, &from("hello", "Lan")).await, "a template");
    assert!(!queues(&app, &from("hello", "Nam")).await, "the same template, for another name");
    assert!(queues(&app, &from("bye", "Lan")).await, "another template");
}

#[tokio::test]
async fn who_asks_for_it_may_send_a_second_one_and_that_counts_too() {
    let app = TestApp::start().await;
    assert!(queues(&app, &message()).await);
    assert!(!queues(&app, &with("allowDuplicate", json!(false))).await);
    assert!(queues(&app, &with("allowDuplicate", json!(true))).await);
    assert!(queues(&app, &with("allowDuplicate", json!(true))).await);
    assert!(!queues(&app, &message()).await);
    assert_eq!(app.count("QUEUED").await, 3);
}

#[tokio::test]
async fn the_next_local_day_is_another_day_and_the_next_day_in_utc_is_not() {
    let app = TestApp::start().await;
    // 23:59 on the 4th in Ho Chi Minh City.
    app.clock.stand_still_at("2027-01-04T16:59:00Z".parse().unwrap());
    assert!(queues(&app, &message()).await);
    assert!(!queues(&app, &message()).await);
    app.clock.advance(TimeDelta::minutes(1));
    assert!(queues(&app, &message()).await, "00:00 on the 5th");
    // 06:59 and 07:01 on the 5th: midnight in UTC lies between.
    app.clock.advance(TimeDelta::minutes(6 * 60 + 59));
    assert!(!queues(&app, &message()).await);
    app.clock.advance(TimeDelta::minutes(2));
    assert!(!queues(&app, &message()).await);
}

#[tokio::test]
async fn the_window_can_be_widened_and_turned_off() {
    let wide = TestApp::builder().set("OPS_DEDUPE_WINDOW_DAYS", "3").start().await;
    wide.clock.stand_still_at("2027-01-04T05:00:00Z".parse().unwrap());
    assert!(queues(&wide, &message()).await);
    wide.clock.advance(TimeDelta::days(2));
    assert!(!queues(&wide, &message()).await);
    wide.clock.advance(TimeDelta::days(1));
    assert!(queues(&wide, &message()).await);
    let off = TestApp::builder().set("OPS_DEDUPE_WINDOW_DAYS", "0").beside(&wide).start().await;
    assert!(queues(&off, &message()).await && queues(&off, &message()).await);
}

/// Queues a message, has it pulled and called back about, and says whether the next one is queued.
async fn queues_after(app: &TestApp, text: &str, callback: Option<&Value>) -> bool {
    let body = with("text", json!(text));
    let id = app.create(body.clone()).await;
    app.run_worker(json!({"mode": "pull"})).await;
    if let Some(outcome) = callback {
        let mut callback = outcome.clone();
        callback["messageId"] = json!(id);
        app.callback(&callback).await.expect(200);
    }
    queues(app, &body).await
}

#[tokio::test]
async fn what_went_or_may_go_blocks_and_what_is_dead_cancelled_or_skipped_does_not() {
    let app = TestApp::start().await;
    assert!(!queues_after(&app, "waits for its callback", None).await);
    app.clock.advance(TimeDelta::minutes(16));
    app.run_worker(json!({})).await;
    // Held: nobody knows whether it went, so it is left to people to send it again.
    assert!(queues(&app, &with("text", json!("waits for its callback"))).await);
    assert!(!queues_after(&app, "sent", Some(&json!({"status": "SENT"}))).await);
    assert!(!queues_after(&app, "waits for its retry", Some(&json!({"status": "FAILED"}))).await);
    let dead = json!({"status": "FAILED", "permanent": true, "error": "số không tồn tại"});
    assert!(queues_after(&app, "dead", Some(&dead)).await);
    assert!(queues_after(&app, "skipped", Some(&json!({"status": "SKIPPED"}))).await);

    let body = with("text", json!("cancelled"));
    let id = app.create(body.clone()).await;
    let cancel = format!("{MESSAGES}/{id}/cancel");
    app.post(&cancel, &app.admin(), &json!({})).await.expect(200);
    assert!(queues(&app, &body).await);
    // One that is queued anew counts again.
    let other = with("text", json!("cancelled and requeued"));
    let id = app.create(other.clone()).await;
    app.post(&format!("{MESSAGES}/{id}/cancel"), &app.admin(), &json!({})).await.expect(200);
    app.post(&format!("{MESSAGES}/{id}/requeue"), &app.admin(), &json!({})).await.expect(200);
    assert!(!queues(&app, &other).await);
    assert_eq!(kinds(&app.message(&id).await), ["CREATED", "CANCELLED", "REQUEUED"]);
}
