//! The log of a whole story: it says what happened and to which message, and never a phone number, a text or a secret.

mod pages;
mod story;

use serde_json::{Value, json};

use self::story::live;

/// The people of the story: national numbers, of which the log must not even hold the last nine digits.
const PHONES: [&str; 6] =
    ["0907111001", "0907111002", "0907111003", "0907111004", "0907111005", "0907111006"];
/// What no line may hold: texts, names and credentials, right and wrong ones.
const SECRETS: [(&str, &str); 5] = [
    ("JWT_SECRET", "jwt-secret-4f1c77a09be2"),
    ("WORKER_SECRET", "worker-secret-5b20c1d7e8f3"),
    ("N8N_CALLBACK_SECRET", "callback-secret-6a91d2c3b4e5"),
    ("SERVICE_TOKEN", "service-token-7c82e3f4a5b6"),
    ("METRICS_TOKEN", "metrics-token-8d73f4a5b6c7"),
];
const SIGNING: &str = "signing-secret-9e64a5b6c7d8";
const WEBHOOK_KEY: &str = "webhook-key-af55b6c7d8e9";
const COLLECTOR_KEY: &str = "collector-key-b046c7d8e9fa";
const WRONG: &str = "guessed-secret-c137d8e9fa0b";
const TEXT: &str = "Nội dung riêng tư";
const NAME: &str = "Nguyễn Thị Kín";
const PSID: &str = "psid-5550001112223";

/// The request whose lines are looked for.
const REQUEST: &str = "request-that-runs-the-worker";

fn assert_discreet(log: &str, tokens: &[String]) {
    let phones = PHONES.iter().map(|phone| phone.trim_start_matches('0'));
    let secrets = SECRETS.iter().map(|(_, secret)| *secret);
    let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next());
    let others = [SIGNING, WEBHOOK_KEY, COLLECTOR_KEY, WRONG, TEXT, NAME, PSID];
    for needle in phones.chain(secrets).chain(signatures).chain(others) {
        for line in log.lines() {
            assert!(!line.contains(needle), "{needle} is in the log: {line}");
        }
    }
}

/// What the story leaves in the log, so that a story that is not lived is not taken for a discreet one.
fn assert_whole(log: &str) {
    for told in [
        "request",
        "messages leased",
        "hand-off answered",
        "no answer to a hand-off",
        "callback",
        "token refused",
        "the worker ran",
        "leases or waits for a callback were over",
        "request failed",
        "request could not be served now",
        "a page failed",
        "stopped",
    ] {
        assert!(log.contains(told), "the log does not tell of: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_in_json_names_requests_and_leases_and_never_a_person_a_text_or_a_secret() {
    let (log, beside, tokens) = live("json").await;
    assert_discreet(&log, &tokens);
    assert_discreet(&beside, &tokens);
    assert_whole(&log);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    let of_run: Vec<_> = lines.iter().filter(|line| line["span"]["request_id"] == REQUEST).collect();
    let leased = of_run.iter().find(|line| line["message"] == "messages leased").unwrap();
    let lease = leased["lease_id"].as_str().unwrap();
    let answered =
        of_run.iter().filter(|line| line["message"] == "hand-off answered" && line["lease_id"] == lease);
    assert!(answered.count() > 5, "each hand-off's line names its lease and its request");
    let made = |line: &&Value| {
        line["message"] == "request" && line["path"] == "/api/outbound/messages" && line["status"] == 201
    };
    assert!(lines.iter().filter(made).count() > 5);
    let unnamed = lines.iter().filter(made).find(|line| !line["span"]["message_id"].is_string());
    assert_eq!(unnamed, None, "the request that made a message names it");
    let request = of_run.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!((&request["status"], &request["path"]), (&json!(200), &json!("/api/worker/outbound")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_as_text_names_requests_and_leases_and_never_a_person_a_text_or_a_secret() {
    let (log, beside, tokens) = live("text").await;
    assert_discreet(&log, &tokens);
    assert_discreet(&beside, &tokens);
    assert_whole(&log);
    let named = format!("request{{request_id={REQUEST}}}");
    assert!(
        log.lines().any(|line| line.contains(&named)
            && line.contains("messages leased")
            && line.contains("lease_id="))
    );
}
