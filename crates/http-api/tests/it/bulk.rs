//! Queueing one text for many.

use domain::channel::Channel;
use serde_json::{Value, json};

use crate::support::TestApi;
use crate::support::people::{codes, paths};

const PATH: &str = "/api/outbound/messages/bulk";

fn to_all(recipients: Value) -> Value {
    json!({"channel": "SMS", "text": "Chao ban", "recipients": recipients})
}

fn numbers(count: usize) -> Value {
    (0..count).map(|n| json!({"to": format!("09012{n:05}")})).collect()
}

#[actix_web::test]
async fn bad_rows_are_named_by_their_place_and_do_not_spoil_the_others() {
    let api = TestApi::new();
    api.lead("l1", "0901234561", "u1", &[Channel::Sms]).await;
    let rows = json!([
        {"to": "0901234567"},
        {"leadId": ""},
        {"to": "0901\u{0}234567"},
        {"leadId": "x".repeat(65)},
        {"to": 901_234_567},
        {"to": "0901234567"},
        "0901234567",
        {"to": "0901234568", "phone": "0901234568"},
        {"to": "1".repeat(10_000)},
        {"leadId": "l1"},
        {},
        {"leadId": "nobody"},
        {"to": "0901234569", "variables": {"name": {}}},
        null,
        {"to": "0901234560"},
    ]);
    let answer = api.post_json(PATH, &to_all(rows)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!((&answer.body["created"], &answer.body["skipped"]), (&json!(2), &json!(2)));
    let rejected = answer.body["rejected"].as_array().unwrap();
    let at: Vec<_> = rejected.iter().map(|row| row["index"].as_u64().unwrap()).collect();
    assert_eq!(at, [1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13]);
    let code = |index: u64| rejected.iter().find(|row| row["index"] == index).unwrap()["code"].clone();
    assert_eq!((code(1), code(11)), (json!("VALIDATION_ERROR"), json!("NOT_FOUND")));
    let message = rejected[3]["message"].as_str().unwrap();
    assert!(message.starts_with("to: "), "{message}");
    assert!(answer.body.get("jobId").is_none() && answer.body.get("dryRun").is_none());
    assert_eq!(api.total().await, 4);
}

#[actix_web::test]
async fn rows_of_many_keep_their_places_and_are_held_against_each_other() {
    let api = TestApi::new();
    let mut rows = numbers(2_500);
    for bad in [3, 1_500, 2_499] {
        rows[bad] = json!({"to": "12"});
    }
    rows[2_400] = rows[0].clone();
    let answer = api.post_json(PATH, &to_all(rows)).await;
    assert_eq!((&answer.body["created"], &answer.body["skipped"]), (&json!(2_496), &json!(1)));
    let rejected = answer.body["rejected"].as_array().unwrap();
    assert_eq!(rejected.iter().map(|row| &row["index"]).collect::<Vec<_>>(), [3, 1_500, 2_499]);
    assert_eq!(api.total().await, 2_497);
}

#[actix_web::test]
async fn where_none_is_queued_it_is_200() {
    let api = TestApi::new();
    let answer = api.post_json(PATH, &to_all(json!([{"to": "12"}]))).await;
    assert_eq!((answer.status.as_u16(), &answer.body["created"]), (200, &json!(0)));
}

#[actix_web::test]
async fn what_is_wrong_for_all_is_told_at_once_and_stores_nothing() {
    let api = TestApi::new();
    let wrong = json!({
        "templateKey": "", "recipients": [], "priority": "URGENT", "ownerId": "", "scheduledAt": "tomorrow",
        "jobId": "7",
    });
    let answer = api.post_json(PATH, &wrong).await;
    assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(
        paths(&answer),
        ["recipients", "jobId", "channel", "templateKey", "priority", "ownerId", "scheduledAt"]
    );
    for recipients in [json!(null), json!({}), json!("0901234567")] {
        let answer = api.post_json(PATH, &to_all(recipients)).await;
        assert_eq!((answer.outcome(), paths(&answer)), ((400, "VALIDATION_ERROR"), vec!["recipients"]));
    }
    let unknown_job = json!({"channel": "SMS", "text": "Chao", "recipients": numbers(1),
        "jobId": "01890000-0000-7000-8000-000000000000"});
    assert_eq!(api.post_json(PATH, &unknown_job).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(api.total().await, 0);
}

#[actix_web::test]
async fn ten_thousand_are_taken_and_one_more_is_not() {
    let api = TestApi::new();
    let answer = api.post_json(PATH, &to_all(numbers(10_001))).await;
    assert_eq!((answer.outcome(), paths(&answer)), ((400, "VALIDATION_ERROR"), vec!["recipients"]));
    let answer = api.post_json(PATH, &to_all(numbers(10_000))).await;
    assert_eq!((answer.status.as_u16(), &answer.body["created"]), (201, &json!(10_000)));
    let large = to_all(json!([{"to": "0".repeat(17 * 1024 * 1024)}]));
    assert_eq!(api.post_json(PATH, &large).await.outcome(), (413, "PAYLOAD_TOO_LARGE"));
}

#[actix_web::test]
async fn a_dry_run_answers_the_same_report_with_warnings_and_stores_nothing() {
    let api = TestApi::new();
    api.lead("l1", "0901234561", "u1", &[Channel::Sms]).await;
    let rows = json!([{"to": "12"}, {"to": "0901234567"}, {"to": "0901234567"}, {"to": 5}, {"leadId": "l1"}]);
    let asked = api.post_keyed(&format!("{PATH}?dryRun=true"), "k1", &to_all(rows.clone())).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert_eq!(api.total().await, 0);
    let done = api.post_keyed(PATH, "k1", &to_all(rows)).await;
    assert_eq!(done.status, 201, "a dry run takes no key");
    for part in ["created", "skipped", "rejected"] {
        assert_eq!(asked.body[part], done.body[part], "{part}");
    }
    assert_eq!(asked.body["dryRun"], true);
    let warnings = &asked.body["warnings"];
    assert_eq!(codes(warnings), ["DUPLICATE_TODAY", "OPTED_OUT"]);
    assert_eq!((&warnings[0]["index"], &warnings[1]["index"]), (&json!(2), &json!(4)));
    for word in ["", "yes", "1", "TRUE"] {
        let answer = api.post_json(&format!("{PATH}?dryRun={word}"), &to_all(numbers(1))).await;
        assert_eq!((answer.outcome(), paths(&answer)), ((400, "VALIDATION_ERROR"), vec!["dryRun"]), "{word}");
    }
}

#[actix_web::test]
async fn a_row_outside_the_scope_is_rejected_and_the_request_s_owner_refused() {
    let api = TestApi::new();
    api.lead("l1", "0901234561", "u1", &[]).await;
    api.lead("l2", "0901234562", "u2", &[]).await;
    let rows = json!([{"leadId": "l1"}, {"leadId": "l2"}, {"leadId": "l1", "to": "0901234562"}]);
    let answer = api.post_as("telesales", "u1", PATH, &to_all(rows)).await;
    assert_eq!(answer.body["created"], 1, "{}", answer.body);
    assert_eq!(codes(&answer.body["rejected"]), ["AUTH_FORBIDDEN", "AUTH_FORBIDDEN"]);
    let foreign =
        json!({"channel": "SMS", "text": "Chao", "ownerId": "u2", "recipients": [{"to": "0901234567"}]});
    for path in [PATH.to_owned(), format!("{PATH}?dryRun=true")] {
        let answer = api.post_as("telesales", "u1", &path, &foreign).await;
        assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
    }
    assert_eq!(api.post_as("viewer", "u1", PATH, &foreign).await.outcome(), (403, "AUTH_FORBIDDEN"));
}

#[actix_web::test]
async fn the_same_key_queues_once() {
    let api = TestApi::new();
    let body = json!({"channel": "SMS", "text": "Chao", "recipients": numbers(3), "allowDuplicate": true});
    let first = api.post_keyed(PATH, "k1", &body).await;
    let again = api.post_keyed(PATH, "k1", &body).await;
    assert_eq!((first.status, first.body), (again.status, again.body.clone()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(api.total().await, 3);
}
