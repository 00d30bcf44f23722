//! `/metrics`: who may read it, what it says, and that Prometheus can read it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use test_support::scripted_n8n::Reaction;

use crate::http::answer;
use crate::support::{TestApp, eventually, sms};

/// A line of the exposition: its value by name and labels, as written.
type Samples = BTreeMap<String, f64>;

async fn text(app: &TestApp) -> String {
    let response = app.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

async fn scrape(app: &TestApp) -> Samples {
    parse(&text(app).await)
}

/// Reads the text format of Prometheus, and fails at whatever is not of it.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'));
    let (mut samples, mut types, mut helped) = (Samples::new(), BTreeMap::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(helped.insert(name) && !help.is_empty(), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(types.insert(name, kind).is_none(), "twice: {line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let is_word = |word: &str| {
                !word.is_empty()
                    && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !word.starts_with(|c: char| c.is_ascii_digit())
            };
            assert!(is_word(name) && name.starts_with("outbound_"), "{line}");
            for label in labels.strip_suffix('}').unwrap().split("\",").filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once("=\"").unwrap();
                assert!(is_word(label) && !value.trim_end_matches('"').contains('"'), "{line}");
            }
            let of = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|part| name.strip_suffix(part))
                .find(|name| types.get(name) == Some(&"histogram"))
                .unwrap_or(name);
            assert!(types.contains_key(of) && helped.contains(of), "no type or help: {line}");
            assert_eq!(types[of] == "counter", of.ends_with("_total"), "{line}");
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
        }
    }
    samples
}

/// The buckets of each histogram grow, and the last has all.
fn assert_buckets_add_up(samples: &Samples, name: &str) {
    let bound = |series: &str| -> f64 {
        let bound = series.split_once("le=\"").unwrap().1.split_once('"').unwrap().0;
        if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() }
    };
    let mut buckets: Vec<(f64, f64)> = samples
        .iter()
        .filter(|(series, _)| series.starts_with(&format!("{name}_bucket{{le=")))
        .map(|(series, count)| (bound(series), *count))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.len() > 10 && buckets.is_sorted_by_key(|(_, count)| *count), "{name}: {buckets:?}");
    assert_eq!(buckets.last().unwrap(), &(f64::INFINITY, samples[&format!("{name}_count")]));
}

#[tokio::test]
async fn a_scrape_after_one_message_shows_what_happened() {
    let app = TestApp::builder().set("WORKER_RATE_LIMIT_PER_MIN", "100").start().await;
    let before = scrape(&app).await;
    assert_eq!(before["outbound_handoffs_total{outcome=\"accepted\"}"], 0.0, "there from the start");
    assert_eq!(before["outbound_rate_limit_left"], 100.0);
    assert!(before.keys().any(|series| series.starts_with("outbound_build_info{version=\"")));

    let id = app.create(sms(1)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&id, "SENT").await;
    app.callback(&json!({"messageId": id, "status": "SENT"})).await.expect(200);
    app.callback(&json!({"messageId": "x", "status": "SENT"})).await.expect(400);
    app.request(Method::from_bytes(b"MADEUP").unwrap(), "/livez").send().await.unwrap();
    let now = scrape(&app).await;
    for (series, value) in [
        ("outbound_messages_leased_total", 1.0),
        ("outbound_handoffs_total{outcome=\"accepted\"}", 1.0),
        ("outbound_handoffs_total{outcome=\"refused\"}", 0.0),
        ("outbound_handoff_duration_seconds_count", 1.0),
        ("outbound_lease_duration_seconds_count", 1.0),
        ("outbound_callbacks_total{outcome=\"SENT\",applied=\"true\"}", 1.0),
        ("outbound_callbacks_total{outcome=\"SENT\",applied=\"false\"}", 1.0),
        ("outbound_callbacks_total{outcome=\"unreadable\",applied=\"error\"}", 1.0),
        (
            "outbound_http_requests_total{route=\"/api/outbound/messages\",method=\"POST\",status=\"201\"}",
            1.0,
        ),
        (
            "outbound_http_requests_total{route=\"/api/outbound/callback\",method=\"POST\",status=\"400\"}",
            1.0,
        ),
        ("outbound_http_requests_total{route=\"/livez\",method=\"OTHER\",status=\"405\"}", 1.0),
        ("outbound_database_up", 1.0),
        ("outbound_circuit_state", 0.0),
        ("outbound_db_pool_size", 10.0),
    ] {
        assert_eq!(now.get(series), Some(&value), "{series}: {now:#?}");
    }
    assert!(now["outbound_db_pool_open"] >= now["outbound_db_pool_in_use"]);
    assert!(!now.keys().any(|series| series.contains(&id) || series.contains("MADEUP")), "{now:#?}");
    for name in ["outbound_handoff_duration_seconds", "outbound_lease_duration_seconds"] {
        assert_buckets_add_up(&now, name);
    }
    assert!(now["outbound_handoff_duration_seconds_sum"] > 0.0);
    app.stop().await;
}

#[tokio::test]
async fn the_queue_the_limit_and_the_circuit_are_read_now_and_then() {
    let app = TestApp::builder()
        .set("WORKER_RATE_LIMIT_PER_MIN", "100")
        .set("CIRCUIT_FAILURES", "2")
        .script(|_| Reaction::unavailable())
        .start()
        .await;
    scrape(&app).await;
    for number in 0..3 {
        let mut body = sms(number);
        body["priority"] = "HIGH".into();
        app.create(body).await;
    }
    app.run_worker(json!({"concurrency": 1})).await;
    app.clock.advance(TimeDelta::seconds(20));
    let depth = "outbound_queue_messages{channel=\"SMS\",priority=\"HIGH\",state=\"due\"}";
    let now = scrape(&app).await;
    assert_eq!(now[depth], 0.0, "what was read a moment ago is shown again");
    assert_eq!(
        now["outbound_handoffs_total{outcome=\"not_accepted\"}"], 2.0,
        "what is counted is up to date"
    );
    let now = eventually("it is read anew", async || {
        let now = scrape(&app).await;
        (now[depth] == 3.0).then_some(now)
    })
    .await;
    let age = now["outbound_queue_oldest_due_age_seconds{channel=\"SMS\",priority=\"HIGH\"}"];
    assert!((10.0..120.0).contains(&age), "{age}");
    assert_eq!(now["outbound_queue_oldest_due_age_seconds{channel=\"FB\",priority=\"LOW\"}"], 0.0);
    assert_eq!(now["outbound_rate_limit_left"], 97.0);
    assert_eq!(now["outbound_circuit_state"], 2.0);
}

#[tokio::test]
async fn a_token_opens_the_metrics_to_those_who_come_through_a_proxy() {
    let app = TestApp::builder().set("METRICS_TOKEN", "the-tests-own-metrics-token").start().await;
    let through_proxy = || app.request(Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.9");
    let refused = answer(through_proxy()).await.expect(403);
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&false.into(), &"AUTH_FORBIDDEN".into()));
    answer(through_proxy().bearer_auth("the-wrong-metrics-token")).await.expect(403);
    answer(through_proxy().bearer_auth(app.admin())).await.expect(403);
    answer(through_proxy().bearer_auth("the-tests-own-metrics-token")).await.expect(200);
    scrape(&app).await;

    let without_limit = scrape(&TestApp::start().await).await;
    assert!(!without_limit.contains_key("outbound_rate_limit_left"));
}
