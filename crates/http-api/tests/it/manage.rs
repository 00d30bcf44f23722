//! Cancel and requeue.

use serde_json::{Value, json};

use crate::support::TestApi;
use crate::support::people::{codes, paths};

const MESSAGES: &str = "/api/outbound/messages";

fn path(id: &str, act: &str) -> String {
    format!("{MESSAGES}/{id}/{act}")
}

#[actix_web::test]
async fn one_is_cancelled_and_queued_anew_and_a_wrong_status_is_named() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let waits = api.post(&path(&id, "requeue"), "").await;
    assert_eq!(waits.outcome(), (409, "CONFLICT"));
    assert!(waits.body["error"]["message"].as_str().unwrap().contains("QUEUED"), "{}", waits.body);
    let cancelled = api.post(&path(&id, "cancel"), "").await;
    assert_eq!(
        (cancelled.status.as_u16(), &cancelled.body["outboundMessage"]["status"]),
        (200, &json!("CANCELLED"))
    );
    assert_eq!(api.post(&path(&id, "cancel"), "{}").await.outcome(), (409, "CONFLICT"));
    let again = api.post(&path(&id, "requeue"), "").await;
    assert_eq!(
        (&again.body["outboundMessage"]["status"], &again.body["outboundMessage"]["attempt"]),
        (&json!("QUEUED"), &json!(2))
    );
    let timeline = api.get(&format!("{MESSAGES}/{id}")).await.body["timeline"].clone();
    assert_eq!((&timeline[1]["kind"], &timeline[1]["by"]), (&json!("CANCELLED"), &json!("user:u1")));
}

#[actix_web::test]
async fn what_lies_outside_the_scope_is_not_there() {
    let api = TestApi::new();
    let id = api.queued_of("u2", "0901234567").await;
    for act in ["cancel", "requeue"] {
        assert_eq!(
            api.post_as("telesales", "u1", &path(&id, act), &json!({})).await.outcome(),
            (404, "NOT_FOUND")
        );
        assert_eq!(
            api.post_as("direct_page", "u2", &path(&id, act), &json!({})).await.outcome(),
            (403, "AUTH_FORBIDDEN")
        );
        assert_eq!(api.post(&path("nonsense", act), "").await.outcome(), (404, "NOT_FOUND"));
        assert_eq!(
            api.post(&path(&id, act), r#"{"force": true}"#).await.outcome(),
            (400, "VALIDATION_ERROR")
        );
    }
    assert_eq!(api.status_of(&id).await, "QUEUED");
}

#[actix_web::test]
async fn several_by_id_answer_for_each_that_did_not_change() {
    let api = TestApi::new();
    let (mine, sent, foreign) = (
        api.queued_of("u1", "0901234561").await,
        api.queued_of("u1", "0901234562").await,
        api.queued_of("u2", "0901234563").await,
    );
    assert_eq!(api.post(&path(&sent, "cancel"), "").await.status, 200);
    let body = json!({"ids": [mine, sent, foreign, mine]});
    let answer = api.post_as("telesales", "u1", &format!("{MESSAGES}/cancel"), &body).await;
    assert_eq!((&answer.body["ok"], &answer.body["changed"]), (&json!(false), &json!(1)), "{}", answer.body);
    let refused = &answer.body["refused"];
    assert_eq!(codes(refused), ["CONFLICT", "NOT_FOUND"]);
    assert_eq!((&refused[0]["id"], &refused[1]["id"]), (&json!(sent), &json!(foreign)));
    assert_eq!(
        (api.status_of(&mine).await, api.status_of(&foreign).await),
        ("CANCELLED".into(), "QUEUED".into())
    );
}

#[actix_web::test]
async fn all_that_match_within_the_scope_and_no_others() {
    let api = TestApi::new();
    let mine = api.queued_of("u1", "0901234561").await;
    let other_text = json!({"channel": "SMS", "text": "Khác", "to": "0901234562", "ownerId": "u1"});
    api.post_json(MESSAGES, &other_text).await;
    let foreign = api.queued_of("u2", "0901234563").await;
    let cancel = format!("{MESSAGES}/cancel");
    let filter =
        json!({"filter": {"status": "QUEUED", "q": "chào", "from": "2026-05-04", "to": "2026-05-04"}});
    let answer = api.post_as("telesales", "u1", &cancel, &filter).await;
    assert_eq!(answer.body, json!({"ok": true, "changed": 1, "refused": 0}));
    assert_eq!(
        (api.status_of(&mine).await, api.status_of(&foreign).await),
        ("CANCELLED".into(), "QUEUED".into())
    );
    let all = api.post_as("telesales", "u1", &cancel, &json!({"filter": {}, "all": true})).await;
    assert_eq!(all.body, json!({"ok": false, "changed": 1, "refused": 1}));
    assert_eq!(api.status_of(&foreign).await, "QUEUED");
    let anew =
        api.post_json(&format!("{MESSAGES}/requeue"), &json!({"filter": {"status": "CANCELLED"}})).await;
    assert_eq!(anew.body, json!({"ok": true, "changed": 2, "refused": 0}));
}

#[actix_web::test]
async fn what_might_select_more_than_was_meant_is_refused() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let many: Vec<_> = (0..1_001).map(|_| id.clone()).collect();
    let cases: [(Value, &[&str]); 11] = [
        (json!({}), &["ids"]),
        (json!({"all": true}), &["ids"]),
        (json!({"filter": {}}), &["filter"]),
        (json!({"filter": {}, "all": false}), &["filter"]),
        (json!({"filter": {"leadId": null}}), &["filter"]),
        (
            json!({"filter": {"status": "queued", "leadId": "", "q": " ", "from": "", "jobId": ""}}),
            &["filter.from", "filter.q", "filter.status", "filter.leadId", "filter.jobId"],
        ),
        (json!({"filter": {"channel": "SMS"}, "ids": [id]}), &["filter"]),
        (json!({"ids": []}), &["ids"]),
        (json!({"ids": many}), &["ids"]),
        (json!({"ids": [id, "7", ""]}), &["ids[1]", "ids[2]"]),
        (json!({"status": "QUEUED"}), &["status"]),
    ];
    for act in ["cancel", "requeue"] {
        for (body, expected) in &cases {
            let answer = api.post_json(&format!("{MESSAGES}/{act}"), body).await;
            assert_eq!(
                (answer.outcome(), paths(&answer)),
                ((400, "VALIDATION_ERROR"), expected.to_vec()),
                "{body}"
            );
        }
        let get = api.get(&format!("{MESSAGES}/{act}")).await;
        assert_eq!(get.outcome(), (405, "METHOD_NOT_ALLOWED"));
    }
    assert_eq!(api.status_of(&id).await, "QUEUED");
}

#[actix_web::test]
async fn the_same_key_does_it_once() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    for (at, body) in [
        (path(&id, "cancel"), json!({})),
        (format!("{MESSAGES}/requeue"), json!({"ids": [id]})),
        (format!("{MESSAGES}/cancel"), json!({"filter": {"status": "QUEUED"}})),
    ] {
        let first = api.post_keyed(&at, "k1", &body).await;
        let again = api.post_keyed(&at, "k1", &body).await;
        assert_eq!((first.status.as_u16(), &first.body), (200, &again.body), "{at}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{at}");
    }
    assert_eq!(api.status_of(&id).await, "CANCELLED");
}
