//! The CRM pushes its people.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, TestApi, bearer, request};

const CONTACTS: &str = "/api/outbound/contacts";

async fn push(api: &TestApi, rows: Value) -> Answered {
    let request = request(Method::PUT, CONTACTS).insert_header(("x-service-token", "service-token"));
    api.send(request.set_payload(json!({ "contacts": rows }).to_string())).await
}

/// What a message to this lead would be: its outcome, `to`, and names.
async fn message_to(api: &TestApi, lead: &str, channel: &str) -> Value {
    let body = json!({"channel": channel, "text": "Chào", "leadId": lead, "allowDuplicate": true});
    api.post_json("/api/outbound/messages", &body).await.body
}

#[actix_web::test]
async fn a_push_makes_contacts_and_a_later_one_changes_what_it_names() {
    let api = TestApi::new();
    let row = json!({
        "leadId": "l1", "kind": "lead", "fullName": " Lan ", "phone": "0901 234 567", "zaloUserId": "z", "facebookPsid": "p",
        "ownerId": "u1", "ownerName": "Hoa", "branchId": "b1", "optedOutChannels": ["SMS"],
    });
    let pushed = push(&api, json!([row])).await;
    assert_eq!((pushed.status.as_u16(), &pushed.body), (200, &json!({"upserted": 1, "rejected": []})));
    assert_eq!(message_to(&api, "l1", "SMS").await["reason"], "OPTED_OUT");
    assert_eq!(message_to(&api, "l1", "ZALO").await["outboundMessage"]["to"], "+84901234567");
    push(&api, json!([{"leadId": "l1", "phone": "0907654321", "ownerName": null}])).await;
    let message = &message_to(&api, "l1", "ZALO").await["outboundMessage"];
    assert_eq!((&message["to"], &message["ownerId"]), (&json!("+84907654321"), &json!("u1")));
    assert_eq!(message["contact"], json!({"fullName": "Lan", "ownerName": null}));
    let still = message_to(&api, "l1", "SMS").await;
    assert_eq!(still["reason"], "OPTED_OUT", "a push that does not speak of opt-outs ends none");
    push(&api, json!([{"leadId": "l1", "optedOutChannels": [], "fullName": ""}])).await;
    let open = message_to(&api, "l1", "SMS").await;
    assert_eq!((&open["skipped"], &open["outboundMessage"]["contact"]), (&json!(false), &Value::Null));
}

#[actix_web::test]
async fn bad_rows_are_named_and_do_not_spoil_the_good_ones() {
    let api = TestApi::new();
    let rows = json!([
        null,
        {"leadId": "l1", "phone": "999"},
        {"studentId": "s1", "phone": "0901234567"},
        {"leadId": "l2", "studentId": "s2"},
        {},
        {"leadId": "l3", "kind": "STUDENT", "fullName": "a\u{0}b", "optedOutChannels": ["SMS", "FAX"], "ownerId": "x".repeat(65)},
        ["l4"],
        {"leadId": "l5", "fulName": "Lan"},
    ]);
    let pushed = push(&api, rows).await;
    assert_eq!(pushed.status, 200, "{}", pushed.body);
    assert_eq!(pushed.body["upserted"], 1);
    let rejected = pushed.body["rejected"].as_array().unwrap();
    let places: Vec<_> = rejected.iter().map(|row| row["index"].as_u64().unwrap()).collect();
    assert_eq!(places, [0, 1, 3, 4, 5, 6, 7]);
    let all = rejected[4]["message"].as_str().unwrap();
    for field in ["kind", "fullName", "optedOutChannels[1]", "ownerId"] {
        assert!(all.contains(field), "{all}");
    }
    assert!(rejected[6]["message"].as_str().unwrap().contains("fulName"), "{}", rejected[6]);
    assert!(!pushed.body.to_string().contains("999"), "no number is repeated");
}

#[actix_web::test]
async fn of_several_rows_with_one_id_the_later_come_on_top() {
    let api = TestApi::new();
    let rows = json!([
        {"leadId": "l1", "fullName": "Lan", "phone": "0901234567"}, {"leadId": "l1", "fullName": "Lan Anh"},
        {"leadId": "l1", "phone": "1"},
    ]);
    let pushed = push(&api, rows).await;
    assert_eq!((&pushed.body["upserted"], &pushed.body["rejected"][0]["index"]), (&json!(1), &json!(2)));
    let message = &message_to(&api, "l1", "SMS").await["outboundMessage"];
    assert_eq!(
        (&message["to"], &message["contact"]["fullName"]),
        (&json!("+84901234567"), &json!("Lan Anh"))
    );
}

#[actix_web::test]
async fn a_push_is_for_the_service_alone_and_of_a_sane_size() {
    let api = TestApi::new();
    let admin = request(Method::PUT, CONTACTS).insert_header(bearer("admin")).set_payload("{}");
    assert_eq!(api.send(admin).await.outcome(), (401, "AUTH_MISSING_SERVICE_TOKEN"));
    let row = |n: usize| json!({"leadId": format!("l{n}"), "fullName": "Nguyễn".repeat(30)});
    let thousand: Vec<_> = (0..1_000).map(row).collect();
    assert_eq!(push(&api, json!(thousand)).await.body["upserted"], 1_000);
    let more: Vec<_> = (0..1_001).map(row).collect();
    assert_eq!(push(&api, json!(more)).await.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(push(&api, json!([])).await.body["upserted"], 0);
    for wrong in [json!(null), json!({}), json!("l1")] {
        assert_eq!(push(&api, wrong.clone()).await.outcome(), (400, "VALIDATION_ERROR"), "{wrong}");
    }
}
