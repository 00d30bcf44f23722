//! Two thousand messages, and an N8N that does everything that an N8N does.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use test_support::scripted_n8n::{CallbackPlan, HandOff, Log, Reaction};

use crate::support::{TestApp, eventually};

const MESSAGES: usize = 2_000;
const KINDS: usize = 13;

/// What N8N does with the nth message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Sent,
    SentTwice,
    SentLate,
    SentBeforeTheAnswer,
    SentInTheAnswer,
    SentAfterOneFailure,
    SentAfterAnOutage,
    AlwaysFails,
    FailsForGood,
    Skipped,
    NeverHeardOf,
    FailedThenSentAfterAll,
    SentAfterItWasGivenUp,
}

const FATES: [Fate; KINDS] = [
    Fate::Sent,
    Fate::SentTwice,
    Fate::SentLate,
    Fate::SentBeforeTheAnswer,
    Fate::SentInTheAnswer,
    Fate::SentAfterOneFailure,
    Fate::SentAfterAnOutage,
    Fate::AlwaysFails,
    Fate::FailsForGood,
    Fate::Skipped,
    Fate::NeverHeardOf,
    Fate::FailedThenSentAfterAll,
    Fate::SentAfterItWasGivenUp,
];

impl Fate {
    fn of(hand_off: &HandOff) -> Self {
        let text = hand_off.body["text"].as_str().unwrap_or_default();
        let number: usize = text.rsplit('#').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        FATES[number % KINDS]
    }

    fn reaction(self, hand_off: &HandOff) -> Reaction {
        let ok = Reaction::accepted;
        match self {
            Self::Sent => ok().then(CallbackPlan::sent().batched()),
            Self::SentTwice => ok().then(CallbackPlan::sent().twice()),
            Self::SentLate => ok().then(CallbackPlan::sent().late(Duration::from_millis(300))),
            Self::SentBeforeTheAnswer => ok().then(CallbackPlan::sent().overtaking()),
            Self::SentInTheAnswer => {
                Reaction::settled(&json!({"status": "SENT", "providerMessageId": "inline"}))
            }
            Self::SentAfterOneFailure if hand_off.attempt == 1 => {
                ok().then(CallbackPlan::failed("bận máy").twice())
            }
            Self::SentAfterOneFailure => ok().then(CallbackPlan::sent()),
            Self::SentAfterAnOutage if hand_off.repeats == 0 => Reaction::unavailable(),
            Self::SentAfterAnOutage => ok().then(CallbackPlan::sent()),
            Self::AlwaysFails => ok().then(CallbackPlan::failed("số không liên lạc được")),
            Self::FailsForGood => ok().then(CallbackPlan::failed_for_good("số không tồn tại")),
            Self::Skipped => ok().then(CallbackPlan::skipped("khách đã chặn")),
            Self::NeverHeardOf | Self::SentAfterItWasGivenUp => ok(),
            // Out of order: the failure that a good end overtook.
            Self::FailedThenSentAfterAll => ok()
                .then(CallbackPlan::sent())
                .then(CallbackPlan::failed("muộn").late(Duration::from_millis(100))),
        }
    }

    /// How it stands at the end.
    fn end(self) -> End<'static> {
        let end = |status, kind, hand_offs| End { status, kind, hand_offs, attempt: 1, retry_count: 0 };
        match self {
            Self::Sent
            | Self::SentTwice
            | Self::SentLate
            | Self::SentBeforeTheAnswer
            | Self::SentInTheAnswer
            | Self::FailedThenSentAfterAll
            | Self::SentAfterItWasGivenUp => end("SENT", None, 1),
            // The failure came twice, and counts once.
            Self::SentAfterOneFailure => End { attempt: 2, retry_count: 1, ..end("SENT", None, 2) },
            Self::SentAfterAnOutage => end("SENT", None, 2),
            Self::AlwaysFails => End { attempt: 4, retry_count: 4, ..end("FAILED", Some("DEAD"), 4) },
            Self::FailsForGood => End { retry_count: 1, ..end("FAILED", Some("DEAD"), 1) },
            Self::Skipped => end("SKIPPED", None, 1),
            Self::NeverHeardOf => end("FAILED", Some("HELD"), 1),
        }
    }

    /// The provider's id of a message that is SENT.
    fn provider_id(self, id: &str) -> String {
        match self {
            Self::SentInTheAnswer => "inline".to_owned(),
            Self::SentAfterItWasGivenUp => format!("late-{id}"),
            Self::Sent
            | Self::SentTwice
            | Self::SentLate
            | Self::SentBeforeTheAnswer
            | Self::SentAfterOneFailure
            | Self::SentAfterAnOutage
            | Self::AlwaysFails
            | Self::FailsForGood
            | Self::Skipped
            | Self::NeverHeardOf
            | Self::FailedThenSentAfterAll => format!("n8n-{id}"),
        }
    }
}

/// How a message stands.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End<'a> {
    status: &'a str,
    kind: Option<&'a str>,
    hand_offs: usize,
    attempt: u64,
    retry_count: u64,
}

impl<'a> End<'a> {
    fn of(message: &'a Value, hand_offs: usize) -> Self {
        Self {
            status: message["status"].as_str().unwrap(),
            kind: message["failureKind"].as_str(),
            hand_offs,
            attempt: message["attempt"].as_u64().unwrap(),
            retry_count: message["retryCount"].as_u64().unwrap(),
        }
    }
}

fn text(n: usize) -> String {
    format!("Chào anh/chị, buổi học tối nay dời sang 19 giờ ạ #{n}")
}

/// Answers which message is the nth.
async fn create_all(app: &TestApp) -> HashMap<String, usize> {
    let channels = ["ZALO", "SMS", "FB", "CALL_NOTE"];
    let priorities = ["LOW", "HIGH", "MEDIUM"];
    stream::iter(0..MESSAGES)
        .map(|n| async move {
            // Numbers that are no multiples of each other, so that every fate meets every channel and priority.
            let body = json!({
                "channel": channels[n / KINDS % channels.len()],
                "priority": priorities[n / (KINDS * channels.len()) % priorities.len()],
                "to": format!("09012{n:05}"),
                "text": text(n),
                "ownerId": format!("u{}", n % 7),
            });
            (app.create(body).await, n)
        })
        .buffer_unordered(16)
        .collect()
        .await
}

/// Runs the worker until nothing is due, then waits until N8N has called back about all but what it never will.
async fn drain(app: &TestApp) {
    loop {
        let report = app.run_worker(json!({"batchSize": 200, "concurrency": 1})).await;
        assert_eq!(report["ok"], true, "{report}");
        if report["processed"] == 0 {
            break;
        }
    }
    let planned = |log: &Log| -> usize {
        log.hand_offs
            .iter()
            .map(|h| Fate::of(h).reaction(h).callbacks.iter().map(|c| c.times as usize).sum::<usize>())
            .sum()
    };
    app.n8n
        .wait_until(|log| log.called_back(200) >= planned(log), Duration::from_secs(60))
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
}

/// How many callbacks FAILED of each message changed something.
fn applied_failures(log: &Log) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for callback in log.callbacks.iter().filter(|callback| callback.body["status"] == "FAILED") {
        for (id, _) in callback.applied().into_iter().filter(|(_, applied)| *applied) {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

fn rank(priority: &Value) -> usize {
    ["HIGH", "MEDIUM", "LOW"].iter().position(|word| *word == priority).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_ends_as_n8n_said_and_n8n_got_each_attempt_once_in_order_of_priority() {
    let app = TestApp::builder()
        .script(|hand_off| Fate::of(hand_off).reaction(hand_off))
        // The outage of single messages is no outage of N8N.
        .set("CIRCUIT_FAILURES", "1000")
        .start()
        .await;
    let numbers = create_all(&app).await;
    drain(&app).await;
    for minutes in [20, 20, 80, 80] {
        app.clock.advance(TimeDelta::minutes(minutes));
        drain(&app).await;
    }
    let given_up = numbers.iter().filter(|(_, n)| FATES[*n % KINDS] == Fate::SentAfterItWasGivenUp);
    for (id, _) in given_up {
        let held = app.message(id).await;
        assert_eq!(held["outboundMessage"]["failureKind"], "HELD", "{held}");
        let late = json!({"messageId": id, "status": "SENT", "providerMessageId": format!("late-{id}"), "attempt": 1});
        assert_eq!(app.callback(&late).await.expect(200)["applied"], true);
    }
    eventually("no lease is left", async || {
        (app.count("LEASED").await + app.count("DISPATCHED").await == 0).then_some(())
    })
    .await;

    let log = app.n8n.log();
    let failures = applied_failures(&log);
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (id, n) in &numbers {
        let fate = FATES[n % KINDS];
        let answer = app.message(id).await;
        let message = &answer["outboundMessage"];
        let hand_offs = log.of(id);
        let end = End::of(message, hand_offs.len());
        let failed = failures.get(id.as_str()).copied().unwrap_or_default();
        let expected = match fate {
            // Which of the two came first is chance; a failure that did counts.
            Fate::FailedThenSentAfterAll => End { retry_count: failed, ..fate.end() },
            Fate::Sent
            | Fate::SentTwice
            | Fate::SentLate
            | Fate::SentBeforeTheAnswer
            | Fate::SentInTheAnswer
            | Fate::SentAfterOneFailure
            | Fate::SentAfterAnOutage
            | Fate::AlwaysFails
            | Fate::FailsForGood
            | Fate::Skipped
            | Fate::NeverHeardOf
            | Fate::SentAfterItWasGivenUp => fate.end(),
        };
        assert_eq!(end, expected, "{fate:?} {answer}");
        assert_eq!(end.retry_count, failed, "each failure that was applied counts once: {answer}");
        assert!(hand_offs.iter().all(|h| h.body["text"] == text(*n)), "its own text, letter by letter: {id}");
        if end.status == "SENT" {
            let left = ["error", "nextAttemptAt", "leaseId", "leaseExpiresAt"].map(|name| &message[name]);
            assert_eq!(left, [&Value::Null; 4], "{fate:?} {answer}");
            let told = (&message["providerMessageId"], message["sentAt"].is_string());
            assert_eq!(told, (&json!(fate.provider_id(id)), true), "{fate:?} {answer}");
        }
        let timeline = answer["timeline"].as_array().unwrap();
        assert_eq!(timeline[0]["from"], Value::Null);
        assert!(timeline.windows(2).all(|pair| pair[1]["from"] == pair[0]["to"]), "no gap: {timeline:?}");
        assert_eq!(timeline.last().unwrap()["to"], message["status"]);
        *ends.entry(format!("{end:?}")).or_default() += 1;
    }
    println!("{ends:#?}");

    // Only what N8N did not accept comes again with the same key, and that once.
    for (key, times) in log.repeated_keys() {
        let hand_off = log.hand_offs.iter().find(|h| h.idempotency_key == key).unwrap();
        assert_eq!((Fate::of(hand_off), times), (Fate::SentAfterAnOutage, 2), "{key}");
    }
    let mut batches: HashMap<&str, Vec<usize>> = HashMap::new();
    for hand_off in &log.hand_offs {
        batches.entry(&hand_off.lease_id).or_default().push(rank(&hand_off.body["priority"]));
    }
    assert!(batches.values().all(|ranks| ranks.is_sorted()), "priority order within each batch");
    assert!(log.callbacks.iter().all(|callback| callback.status == 200), "every callback was taken");
}
