use super::*;
use proptest::prelude::*;
use serde_json::json;

const ID: &str = "01936d6a-0000-7000-8000-000000000001";

fn about() -> About {
    About {
        id: ID.parse().unwrap(),
        created_at: "2026-11-20T08:00:00Z".parse().unwrap(),
        now: "2026-11-20T09:00:00Z".parse().unwrap(),
    }
}

fn answer(status: u16, retry_after: Option<&str>, body: &[u8]) -> HandOffAnswer {
    reply(&Reply { status, retry_after, body, end: BodyEnd::Whole }, &about())
}

fn inline(body: &Value) -> HandOffAnswer {
    answer(200, None, body.to_string().as_bytes())
}

fn retry_after(header: &str) -> Option<TimeDelta> {
    let answer = answer(503, Some(header), b"");
    let HandOffAnswer::NotAccepted { retry_after, .. } = answer else { panic!("{answer:?}") };
    retry_after
}

fn sent(id: Option<&str>, at: Option<&str>) -> HandOffAnswer {
    HandOffAnswer::Settled(Outcome::Sent {
        provider_message_id: id.map(str::to_owned),
        sent_at: at.map(|at| at.parse().unwrap()),
    })
}

#[test]
fn every_status_has_its_meaning() {
    for status in 100..=599 {
        let found = answer(status, None, b"");
        let expected = match status {
            200..=299 => "accepted",
            504 => "unknown",
            404 | 408 | 425 | 429 | 500..=599 => "not accepted",
            _ => "refused",
        };
        let found = match found {
            HandOffAnswer::Accepted => "accepted",
            HandOffAnswer::Unknown => "unknown",
            HandOffAnswer::NotAccepted { .. } => "not accepted",
            HandOffAnswer::Refused { .. } => "refused",
            HandOffAnswer::Settled(_) => "settled",
        };
        assert_eq!(found, expected, "{status}");
    }
}

#[test]
fn what_n8n_answers_at_once_is_no_outcome() {
    for body in
        [&br#"{"message":"Workflow was started"}"#[..], b"", b"ok", b"[]", b"null", b"\"SENT\"", b"\xff"]
    {
        assert_eq!(answer(200, None, body), HandOffAnswer::Accepted);
    }
    assert_eq!(inline(&json!({"status": "queued"})), HandOffAnswer::Accepted);
    assert_eq!(inline(&json!([{"status": "SENT"}, {"status": "SENT"}])), HandOffAnswer::Accepted);
}

#[test]
fn a_status_word_in_the_body_counts_as_the_callback() {
    let full = json!({"status": "SENT", "providerMessageId": 17, "sentAt": "2026-11-20T08:59:00Z"});
    assert_eq!(inline(&full), sent(Some("17"), Some("2026-11-20T08:59:00Z")));
    assert_eq!(inline(&json!([full])), sent(Some("17"), Some("2026-11-20T08:59:00Z")));
    let failed = Outcome::Failed { error: "blocked".to_owned(), permanent: true };
    let body = json!({"messageId": ID, "status": "failed", "error": "blocked", "permanent": true});
    assert_eq!(inline(&body), HandOffAnswer::Settled(failed));
    let skipped = Outcome::Skipped { reason: "skipped (no reason given)".to_owned() };
    assert_eq!(inline(&json!({"status": "SKIPPED"})), HandOffAnswer::Settled(skipped));
}

#[test]
fn an_outcome_of_another_message_is_not_taken_for_this_ones() {
    let other = "01936d6a-0000-7000-8000-000000000002";
    assert_eq!(inline(&json!({"messageId": other, "status": "SENT"})), HandOffAnswer::Accepted);
    assert_eq!(inline(&json!({"messageId": 5, "status": "SENT"})), HandOffAnswer::Accepted);
}

#[test]
fn an_odd_field_in_an_accepting_answer_is_passed_over() {
    for at in [json!("1999-01-01T00:00:00Z"), json!("2026-11-20T09:05:01Z"), json!("soon"), json!(1)] {
        assert_eq!(
            inline(&json!({"status": "SENT", "sentAt": at, "providerMessageId": "a\u{0}"})),
            sent(None, None)
        );
    }
    let failed = HandOffAnswer::Settled(Outcome::Failed { error: "x".to_owned(), permanent: false });
    assert_eq!(inline(&json!({"status": "FAILED", "error": "x", "permanent": 3})), failed);
}

#[test]
fn an_accepting_answer_that_breaks_off_leaves_the_outcome_unknown() {
    let cut = |status, end| reply(&Reply { status, retry_after: None, body: b"{\"sta", end }, &about());
    assert_eq!(cut(200, BodyEnd::Broken), HandOffAnswer::Unknown);
    assert_eq!(cut(200, BodyEnd::TooLong), HandOffAnswer::Accepted);
    assert!(matches!(cut(503, BodyEnd::Broken), HandOffAnswer::NotAccepted { .. }));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_never_more_than_a_day() {
    assert_eq!(retry_after("120"), Some(TimeDelta::seconds(120)));
    assert_eq!(retry_after(" 0 "), Some(TimeDelta::zero()));
    assert_eq!(retry_after("Fri, 20 Nov 2026 09:00:30 GMT"), Some(TimeDelta::seconds(30)));
    assert_eq!(retry_after("Fri, 20 Nov 2026 08:00:00 GMT"), Some(TimeDelta::zero()));
    assert_eq!(retry_after("99999999999999999999999"), Some(LONGEST_RETRY_AFTER));
    assert_eq!(retry_after("9223372036854775807"), Some(LONGEST_RETRY_AFTER));
    for odd in ["", "soon", "-5", "1.5", "+5"] {
        assert_eq!(retry_after(odd), None, "{odd}");
    }
}

#[test]
fn an_error_shows_the_beginning_of_the_answer_on_one_line() {
    let error = |status, body: &str| {
        let answer = answer(status, None, body.as_bytes());
        let HandOffAnswer::Refused { error } = answer else { panic!("{answer:?}") };
        error
    };
    assert_eq!(
        error(403, "Authorization data\r\nis wrong!\u{0}"),
        "N8N answered 403: Authorization data  is wrong!"
    );
    assert_eq!(error(400, " \n"), "N8N answered 400");
    assert_eq!(error(400, &"đ".repeat(500)).chars().count(), "N8N answered 400: ".len() + 200);
    assert_eq!(error(302, ""), "N8N answered 302 (a redirect, which is not followed)");
}

#[test]
fn without_a_connection_nothing_was_sent_and_without_an_answer_it_may_have_been() {
    let refused = failure(Failure::NotConnected("connection refused".to_owned()));
    let error = "could not connect to N8N: connection refused".to_owned();
    assert_eq!(refused, HandOffAnswer::NotAccepted { error, retry_after: None });
    assert_eq!(failure(Failure::NoAnswer), HandOffAnswer::Unknown);
}

proptest! {
    #[test]
    fn no_answer_upsets_the_reader(status in 100_u16..1000, header: Option<String>, body: Vec<u8>, json in "[\\[{]\"status\":\"(SENT|FAILED)\".*") {
        answer(status, header.as_deref(), &body);
        if let HandOffAnswer::Refused { error } | HandOffAnswer::NotAccepted { error, .. } = answer(status, None, json.as_bytes()) {
            prop_assert!(!error.chars().any(char::is_control));
        }
    }
}
