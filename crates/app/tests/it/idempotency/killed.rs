//! A server dies between the work of a request and its answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use test_support::database::TestDatabase;
use tokio::sync::watch;

use super::{MESSAGES, is_replayed};
use crate::http::{Answer, Http, try_answer};
use crate::process::Process;
use crate::support::{PATIENCE, settings};

const POSTERS: usize = 8;
const KEYS_OF_EACH: usize = 45;
const KILLS: usize = 6;
const RECIPIENTS: i64 = 20;

/// What goes with a key: a message, a bulk or a job, so that transactions of all sizes are cut off. Duplicates are
/// allowed: nothing but the key may keep a repeat from being stored.
fn request_of(key: &str, number: usize) -> (&'static str, Value, i64) {
    let recipients = |n: i64| (0..n).map(|n| json!({"to": format!("09012345{n:02}")})).collect::<Value>();
    let shared = json!({"channel": "SMS", "text": key, "allowDuplicate": true});
    let with = |name: &str, value: Value| {
        let mut body = shared.clone();
        body[name] = value;
        body
    };
    match number % 3 {
        0 => (MESSAGES, with("to", json!("0901234567")), 1),
        1 => ("/api/outbound/messages/bulk", with("recipients", recipients(RECIPIENTS)), RECIPIENTS),
        _ => ("/api/outbound/jobs", with("recipients", recipients(RECIPIENTS)), RECIPIENTS),
    }
}

/// Sends a request as a careful client does: again and again, with its key, until it is answered.
async fn post_until_answered(
    server: &mut watch::Receiver<Http>,
    key: &str,
    path: &str,
    body: &Value,
) -> (Answer, usize) {
    let started = Instant::now();
    let mut tries = 0;
    loop {
        assert!(started.elapsed() < PATIENCE, "{key} was never answered");
        tries += 1;
        let http = server.borrow_and_update().clone();
        let request = http.request(Method::POST, path).bearer_auth(http.admin());
        match try_answer(request.header("idempotency-key", key).json(body)).await {
            Some(answer) if answer.status < 300 => return (answer, tries),
            // The first one is still at work, or the database cleans up after the dead server.
            Some(answer) => assert!([409, 503].contains(&answer.status), "{key}: {}", answer.body),
            // The server is dead: the next one is awaited.
            None => server.changed().await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_between_work_and_answer_does_not_do_the_work_twice() {
    let database = TestDatabase::create().await;
    let values = settings(database.url(), "http://127.0.0.1:9/");
    let mut server = Process::serve(&values).await;
    let (urls, _) = watch::channel(server.http.clone());
    let answered = Arc::new(AtomicUsize::new(0));
    let posters: Vec<_> = (0..POSTERS)
        .map(|poster| {
            let (mut server, answered) = (urls.subscribe(), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for number in 0..KEYS_OF_EACH {
                    let key = format!("key-{poster}-{number}");
                    let (path, body, _) = request_of(&key, number);
                    let (answer, tries) = post_until_answered(&mut server, &key, path, &body).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    answers.push((key, number, answer, tries));
                }
                answers
            })
        })
        .collect();
    for kill in 1..=KILLS {
        let enough = kill * POSTERS * KEYS_OF_EACH / (KILLS + 2);
        crate::support::eventually("enough are answered", async || {
            (answered.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
        server.kill();
        server = Process::serve(&values).await;
        urls.send(server.http.clone()).unwrap();
    }
    let mut answers = Vec::new();
    for poster in posters {
        answers.extend(poster.await.unwrap());
    }

    let client = database.connect().await;
    let stored =
        client.query("select body, count(*) from outbound_message group by body", &[]).await.unwrap();
    let stored: BTreeMap<String, i64> = stored.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(stored.len(), POSTERS * KEYS_OF_EACH);
    let jobs = client.query_one("select count(*) from outbound_job", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(jobs, i64::try_from(POSTERS * (0..KEYS_OF_EACH).filter(|n| n % 3 == 2).count()).unwrap());
    let (mut repeated, mut done_before) = (0, 0);
    for (key, number, answer, tries) in &answers {
        let (path, body, count) = request_of(key, *number);
        assert_eq!(stored.get(key), Some(&count), "{key}");
        repeated += usize::from(*tries > 1);
        done_before += usize::from(is_replayed(answer));
        let (again, _) = post_until_answered(&mut urls.subscribe(), key, path, &body).await;
        assert!(is_replayed(&again) && again.body == answer.body, "{key}: {}", again.body);
    }
    println!(
        "{}",
        json!({"kills": KILLS, "sent again": repeated, "done before the server died": done_before})
    );
    assert!(repeated >= KILLS, "the kills hit requests under way");
}
