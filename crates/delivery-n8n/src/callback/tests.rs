use super::*;
use domain::message::Outcome;
use proptest::prelude::*;
use serde_json::json;

const ID: &str = "01936d6a-0000-7000-8000-000000000001";
const LEASE: &str = "01936d6a-0000-7000-8000-00000000000a";

fn decode(body: &Value) -> DecodedCallbacks {
    N8nCallbacks::default().decode(body.to_string().as_bytes()).unwrap()
}

fn one(body: &Value) -> Result<(MessageId, Callback), CallbackItemError> {
    let decoded = decode(body);
    assert!(!decoded.is_array);
    decoded.items.into_iter().next().unwrap()
}

/// A callback with `fields` besides the message's id.
fn with(fields: &Value) -> Value {
    let mut body = json!({"messageId": ID});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

fn outcome(fields: &Value) -> Outcome {
    one(&with(fields)).unwrap().1.outcome
}

fn bad_field(fields: &Value) -> &'static str {
    one(&with(fields)).unwrap_err().field
}

fn sent(id: Option<&str>) -> Outcome {
    Outcome::Sent { provider_message_id: id.map(str::to_owned), sent_at: None }
}

#[test]
fn a_full_callback_is_read_with_all_it_says() {
    let body = with(
        &json!({"status": "SENT", "providerMessageId": "zalo-1", "sentAt": "2026-11-20T15:00:00.5+07:00",
        "attempt": 2, "leaseId": LEASE, "workflow": "our own field"}),
    );
    let (id, callback) = one(&body).unwrap();
    assert_eq!(id.to_string(), ID);
    assert_eq!(callback.attempt, Some(2));
    assert_eq!(callback.lease, Some(LEASE.parse().unwrap()));
    let sent_at = Some("2026-11-20T08:00:00.5Z".parse().unwrap());
    assert_eq!(callback.outcome, Outcome::Sent { provider_message_id: Some("zalo-1".to_owned()), sent_at });
}

#[test]
fn the_status_may_be_written_in_any_letter_case() {
    assert_eq!(outcome(&json!({"status": "sent"})), sent(None));
    assert_eq!(outcome(&json!({"status": " Failed\n"})).word(), "FAILED");
    assert_eq!(bad_field(&json!({"status": "DELIVERED"})), "status");
    assert_eq!(bad_field(&json!({"status": 1})), "status");
    assert_eq!(bad_field(&json!({})), "status");
}

#[test]
fn null_and_empty_text_are_as_good_as_absent() {
    let nothing = json!({"status": "SENT", "providerMessageId": "", "sentAt": null, "attempt": "", "leaseId": " ",
        "permanent": null, "error": null});
    let (_, callback) = one(&with(&nothing)).unwrap();
    assert_eq!(callback, Callback { outcome: sent(None), attempt: None, lease: None });
}

#[test]
fn numbers_and_text_stand_for_each_other_where_the_meaning_is_plain() {
    assert_eq!(
        outcome(&json!({"status": "SENT", "providerMessageId": 9_007_199_254_740_993_u64})),
        sent(Some("9007199254740993"))
    );
    assert_eq!(one(&with(&json!({"status": "SENT", "attempt": "3"}))).unwrap().1.attempt, Some(3));
    let permanent = outcome(&json!({"status": "FAILED", "error": "x", "permanent": "true"}));
    assert_eq!(permanent, Outcome::Failed { error: "x".to_owned(), permanent: true });
}

#[test]
fn an_outcome_without_a_reason_says_so() {
    let failed = Outcome::Failed { error: "failed (no reason given)".to_owned(), permanent: false };
    assert_eq!(outcome(&json!({"status": "FAILED"})), failed);
    assert_eq!(outcome(&json!({"status": "FAILED", "error": "\u{0}\r"})), failed);
    let skipped = Outcome::Skipped { reason: "skipped (no reason given)".to_owned() };
    assert_eq!(outcome(&json!({"status": "SKIPPED", "error": ""})), skipped);
}

#[test]
fn no_error_is_too_long_or_too_odd_to_be_taken() {
    let error = |error: Value| match outcome(&json!({"status": "FAILED", "error": error})) {
        Outcome::Failed { error, .. } => error,
        Outcome::Sent { .. } | Outcome::Skipped { .. } => panic!("not failed"),
    };
    assert_eq!(error(json!("đ".repeat(5_000))).chars().count(), 2_000);
    assert_eq!(error(json!("line 1\r\n\tline\u{0} 2\u{7f}")), "line 1\n line 2");
    assert_eq!(error(json!({"message": "401 - wrong key", "status": 401})), "401 - wrong key");
    assert_eq!(error(json!({"code": 7})), r#"{"code":7}"#);
    assert_eq!(error(json!(false)), "false");
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(bad_field(&json!({"status": "SENT", "providerMessageId": "a\u{0}b"})), "providerMessageId");
    assert_eq!(
        bad_field(&json!({"status": "SENT", "providerMessageId": "x".repeat(201)})),
        "providerMessageId"
    );
    assert_eq!(bad_field(&json!({"status": "SENT", "providerMessageId": 1.5})), "providerMessageId");
    assert_eq!(bad_field(&json!({"status": "SENT", "sentAt": "yesterday"})), "sentAt");
    assert_eq!(bad_field(&json!({"status": "SENT", "sentAt": "99999-01-01T00:00:00Z"})), "sentAt");
    assert_eq!(bad_field(&json!({"status": "SENT", "attempt": 0})), "attempt");
    assert_eq!(bad_field(&json!({"status": "SENT", "attempt": 4_294_967_296_u64})), "attempt");
    assert_eq!(bad_field(&json!({"status": "SENT", "leaseId": "mine"})), "leaseId");
    assert_eq!(bad_field(&json!({"status": "FAILED", "permanent": "perhaps"})), "permanent");
    assert_eq!(one(&json!({"status": "SENT"})).unwrap_err().field, "messageId");
    let unknown = one(&json!({"messageId": "a\u{0}b", "status": "SENT"})).unwrap_err();
    assert_eq!((unknown.field, unknown.message_id.as_deref()), ("messageId", Some("ab")));
}

#[test]
fn one_bad_item_of_an_array_does_not_hold_back_the_others() {
    let decoded = decode(&json!([
        with(&json!({"status": "SENT"})),
        7,
        with(&json!({"status": "?"})),
        with(&json!({"status": "SKIPPED"}))
    ]));
    assert!(decoded.is_array);
    assert!(decoded.items[0].is_ok() && decoded.items[3].is_ok());
    assert_eq!(decoded.items[1].as_ref().unwrap_err().to_string(), ": must be an object");
    let third = decoded.items[2].as_ref().unwrap_err();
    assert_eq!((third.index, third.message_id.as_deref(), third.field), (2, Some(ID), "status"));
}

#[test]
fn at_most_a_thousand_are_taken_at_once() {
    let item = with(&json!({"status": "SENT"}));
    assert_eq!(decode(&json!(vec![item.clone(); 1_000])).items.len(), 1_000);
    let body = json!(vec![item; 1_001]).to_string();
    assert_eq!(N8nCallbacks::default().decode(body.as_bytes()), Err(CallbackError::TooMany(1_001)));
    assert_eq!(decode(&json!([])).items.len(), 0);
}

#[test]
fn a_body_that_holds_no_callback_is_refused() {
    let refusal = |body: &[u8]| N8nCallbacks::default().decode(body).unwrap_err();
    assert_eq!(refusal(b"null"), CallbackError::NotObject);
    assert_eq!(refusal(b"\"SENT\""), CallbackError::NotObject);
    for body in [&b""[..], b"{\"messageId\":", b"status=SENT", b"\xff"] {
        assert!(matches!(refusal(body), CallbackError::NotJson(_)));
    }
}

proptest! {
    #[test]
    fn no_text_in_a_field_upsets_the_reader(field in "status|error|sentAt|providerMessageId|attempt|leaseId|permanent", text: String) {
        let mut body = with(&json!({"status": "FAILED"}));
        body[field.as_str()] = json!(text);
        if let Ok((_, Callback { outcome: Outcome::Failed { error, .. }, .. })) = one(&body) {
            prop_assert!(error.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}

/// A request signed at this time, in seconds since 1970.
fn signed(id: &str, at: i64, body: &[u8]) -> String {
    Signer::new(vec![Secret::parse("hush").unwrap()]).sign(id, at, body).unwrap()
}

fn verify(
    callbacks: &N8nCallbacks,
    id: &str,
    at: i64,
    body: &[u8],
    now: i64,
) -> Result<Trust, SignatureError> {
    let (timestamp, signature) = (at.to_string(), signed(id, at, body));
    let headers = WebhookHeaders { id, timestamp: &timestamp, signature: &signature };
    callbacks.verify(&headers, body, DateTime::from_timestamp(now, 0).unwrap())
}

#[test]
fn n8n_may_repeat_a_signed_request_at_once_and_nobody_may_later() {
    let callbacks = N8nCallbacks::new(vec![Secret::parse("hush").unwrap()]);
    let at = 1_700_000_000;
    assert_eq!(verify(&callbacks, "m1", at, b"{}", at), Ok(Trust::Whole));
    assert_eq!(verify(&callbacks, "m1", at, b"{}", at + 60), Ok(Trust::WhereNamed));
    assert_eq!(verify(&callbacks, "m1", at, b"{}", at + 61), Err(SignatureError::TooOld));
    assert_eq!(
        verify(&callbacks.clone(), "m1", at, b"{}", at + 61),
        Err(SignatureError::TooOld),
        "a copy knows"
    );
    // Signed anew, by somebody who knows the secret, it is another request; so is another body under the same id.
    assert_eq!(verify(&callbacks, "m1", at + 61, b"{}", at + 61), Ok(Trust::Whole));
    assert_eq!(verify(&callbacks, "m1", at, b"[]", at + 61), Ok(Trust::WhereNamed));
}

#[test]
fn a_signed_failure_that_names_no_attempt_counts_for_a_minute_in_any_process_and_what_is_named_for_five() {
    let at = 1_700_000_000;
    let items = json!([
        with(&json!({"status": "SENT"})),
        with(&json!({"status": "FAILED", "attempt": 1})),
        with(&json!({"status": "SKIPPED", "leaseId": LEASE})),
        with(&json!({"status": "FAILED"})),
        with(&json!({"status": "SKIPPED"})),
    ]);
    // A process that has just started: nothing is remembered.
    let believed = |now| {
        let callbacks = N8nCallbacks::new(vec![Secret::parse("hush").unwrap()]);
        let trust = verify(&callbacks, "m1", at, items.to_string().as_bytes(), now)?;
        Ok(decode(&items).items.into_iter().map(|item| trust.covers(&item.unwrap().1)).collect::<Vec<_>>())
    };
    let (all, where_named) = (Ok(vec![true; 5]), Ok(vec![true, true, true, false, false]));
    for (after, expected) in [
        (-301, &Err(SignatureError::InFuture)),
        (-300, &where_named),
        (-11, &where_named),
        (-10, &all),
        (50, &all),
        (51, &where_named),
        (300, &where_named),
        (301, &Err(SignatureError::TooOld)),
    ] {
        assert_eq!(&believed(at + after), expected, "after {after} s");
    }
}

#[test]
fn what_is_not_signed_is_not_remembered() {
    let callbacks = N8nCallbacks::new(vec![Secret::parse("hush").unwrap()]);
    let at = 1_700_000_000;
    let timestamp = at.to_string();
    let forged = WebhookHeaders { id: "m1", timestamp: &timestamp, signature: "v1,AAAA" };
    let then = DateTime::from_timestamp(at, 0).unwrap();
    assert_eq!(callbacks.verify(&forged, b"{}", then), Err(SignatureError::Mismatch));
    assert_eq!(verify(&callbacks, "m1", at, b"{}", at + 100), Ok(Trust::WhereNamed));
}
