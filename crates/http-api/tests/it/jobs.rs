//! Jobs: made from an AI action, listed, read, and moved by N8N.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, CALLBACK, JWT_SECRET, TestApi, bearer, claims, request, token};

const JOBS: &str = "/api/outbound/jobs";
const SERVICE: (&str, &str) = ("x-service-token", "service-token");

async fn send(api: &TestApi, role: &str, body: &Value) -> Answered {
    api.send(request(Method::POST, JOBS).insert_header(bearer(role)).set_payload(body.to_string())).await
}

async fn patch(api: &TestApi, id: &str, header: (&'static str, &'static str), body: &Value) -> Answered {
    let request = request(Method::PATCH, &format!("{JOBS}/{id}")).insert_header(header);
    api.send(request.set_payload(body.to_string())).await
}

async fn with_service(api: &TestApi, path: &str) -> Answered {
    api.send(request(Method::GET, path).insert_header(SERVICE)).await
}

fn one() -> Value {
    json!({
        "suggestionId": "s1", "actionKey": "remind_fee", "taskId": "t1", "title": "Nhắc chị Lan 0901 234 567",
        "note": "Gọi 0901234567 nếu chưa trả lời", "channel": "SMS", "text": "Chào chị Lan", "to": "0901234567",
    })
}

async fn job(api: &TestApi) -> String {
    let answer = api.post_json(JOBS, &one()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["outboundJob"]["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_job_with_one_recipient_answers_job_and_message_with_every_field() {
    let api = TestApi::new();
    let answer = api.post_json(JOBS, &one()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let job = &answer.body["outboundJob"];
    let id = job["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("{JOBS}/{id}"));
    let expected = json!({
        "id": id, "title": "Nhắc chị Lan 0901 234 567", "status": "NEW", "actionKey": "remind_fee",
        "suggestionId": "s1", "taskId": "t1", "runId": null, "lastError": null,
        "note": "Gọi 0901234567 nếu chưa trả lời", "ownerId": "u1", "branchId": null, "createdById": "u1",
        "dispatchedAt": null, "doneAt": null, "createdAt": "2026-05-04T05:00:00.000Z",
        "updatedAt": "2026-05-04T05:00:00.000Z",
        "messageCounts": {
            "QUEUED": 1, "LEASED": 0, "DISPATCHED": 0, "SENT": 0, "FAILED": 0, "SKIPPED": 0, "CANCELLED": 0,
        },
        "retriesWaiting": 0,
    });
    assert_eq!(*job, expected);
    assert_eq!(answer.body["skipped"], false);
    assert_eq!(answer.body["outboundMessage"]["jobId"], id);
    let read = api.get(&format!("{JOBS}/{id}")).await;
    assert_eq!(read.body["outboundJob"], expected);
    let created =
        json!({"at": "2026-05-04T05:00:00.000Z", "from": null, "to": "NEW", "by": "user:u1", "detail": null});
    assert_eq!(read.body["history"], json!([created]));
}

#[actix_web::test]
async fn a_skipped_message_still_makes_its_job_and_says_why() {
    let api = TestApi::new();
    job(&api).await;
    let answer = api.post_json(JOBS, &one()).await;
    assert_eq!(answer.status, 201);
    assert_eq!((&answer.body["skipped"], &answer.body["reason"]), (&json!(true), &json!("DUPLICATE_TODAY")));
    assert_eq!(answer.body["outboundJob"]["messageCounts"]["SKIPPED"], 1);
}

#[actix_web::test]
async fn a_single_recipient_that_is_wrong_is_the_error_and_nothing_is_stored() {
    let api = TestApi::new();
    let wrong = json!({"channel": "SMS", "text": "Chào", "to": "123"});
    assert_eq!(api.post_json(JOBS, &wrong).await.outcome(), (400, "VALIDATION_ERROR"));
    let unknown = json!({"channel": "SMS", "text": "Chào", "leadId": "nobody"});
    assert_eq!(api.post_json(JOBS, &unknown).await.outcome(), (404, "NOT_FOUND"));
    let template = json!({"channel": "SMS", "templateKey": "none", "to": "0901234567"});
    assert_eq!(api.post_json(JOBS, &template).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(with_service(&api, JOBS).await.body["total"], 0);
    assert_eq!(api.get("/api/outbound/messages").await.body["total"], 0);
}

#[actix_web::test]
async fn many_recipients_are_counted_and_bad_ones_named_by_their_place() {
    let api = TestApi::new();
    let body = json!({
        "channel": "SMS", "text": "Chào", "recipients": [
            {"leadId": ""}, {"to": "0901234567"}, {"to": "123"}, {"to": "0901234567"}, {"leadId": "nobody"}, {},
            {"to": "0907654321"},
        ],
    });
    let answer = api.post_json(JOBS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!((&answer.body["created"], &answer.body["skipped"]), (&json!(2), &json!(1)));
    let rejected = answer.body["rejected"].as_array().unwrap();
    let places = rejected.iter().map(|row| (row["index"].as_u64().unwrap(), row["code"].as_str().unwrap()));
    let places: Vec<_> = places.collect();
    let expected =
        [(0, "VALIDATION_ERROR"), (2, "VALIDATION_ERROR"), (4, "NOT_FOUND"), (5, "VALIDATION_ERROR")];
    assert_eq!(places, expected);
    assert_eq!(answer.body["outboundJob"]["messageCounts"]["QUEUED"], 2);
    assert_eq!(answer.body["outboundJob"]["title"], "Outbound messages");
}

#[actix_web::test]
async fn where_every_recipient_is_rejected_nothing_is_stored() {
    let api = TestApi::new();
    let answer =
        api.post_json(JOBS, &json!({"channel": "SMS", "text": "Chào", "recipients": [{"to": "123"}]})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((&answer.body["outboundJob"], &answer.body["created"]), (&Value::Null, &json!(0)));
    assert_eq!(with_service(&api, JOBS).await.body["total"], 0);
}

#[actix_web::test]
async fn every_bad_field_is_named_at_once() {
    let api = TestApi::new();
    let body = json!({
        "channel": "FAX", "priority": "SOON", "suggestionId": "", "actionKey": "x".repeat(65), "taskId": "a\u{0}b",
        "title": "x".repeat(201), "note": "a\u{0}b", "ownerId": "", "branchId": "", "scheduledAt": "tomorrow",
        "recipients": [], "leadId": "l1", "to": "0901234567",
    });
    let answer = api.post_json(JOBS, &body).await;
    assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"));
    let details = answer.body["error"]["details"].as_array().unwrap();
    let mut paths: Vec<_> = details.iter().map(|one| one["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    let expected = [
        "actionKey",
        "branchId",
        "channel",
        "leadId",
        "note",
        "ownerId",
        "priority",
        "recipients",
        "scheduledAt",
        "suggestionId",
        "taskId",
        "templateKey",
        "title",
        "to",
    ];
    assert_eq!(paths, expected);
    for body in
        [json!({"channel": "SMS", "text": "x", "recipients": {}}), json!([]), json!({"chanel": "SMS"})]
    {
        assert_eq!(api.post_json(JOBS, &body).await.outcome(), (400, "VALIDATION_ERROR"), "{body}");
    }
}

#[actix_web::test]
async fn who_may_create_is_who_may_create_messages_and_viewers_only_read() {
    let api = TestApi::new();
    for (role, status) in
        [("admin", 201), ("manager", 201), ("telesales", 201), ("direct_page", 201), ("viewer", 403)]
    {
        let body = json!({"channel": "SMS", "text": format!("Chào {role}"), "to": "0901234567"});
        assert_eq!(send(&api, role, &body).await.status, status, "{role}");
    }
    assert_eq!(api.post_with(JOBS, SERVICE, &one()).await.outcome(), (401, "AUTH_MISSING_BEARER"));
}

#[actix_web::test]
async fn n8n_finds_new_jobs_with_the_service_token_and_moves_them() {
    let api = TestApi::new();
    let id = job(&api).await;
    let found = with_service(&api, &format!("{JOBS}?status=NEW")).await;
    assert_eq!((&found.body["total"], &found.body["items"][0]["id"]), (&json!(1), &json!(id)));
    assert_eq!(found.body["items"][0]["note"], one()["note"], "N8N reads messages, so it reads notes");
    let dispatched = patch(&api, &id, SERVICE, &json!({"status": "DISPATCHED", "runId": 231})).await;
    assert_eq!(dispatched.status, 200, "{}", dispatched.body);
    let job = &dispatched.body["outboundJob"];
    assert_eq!((&job["status"], &job["runId"]), (&json!("DISPATCHED"), &json!("231")));
    assert_eq!(job["messageCounts"]["QUEUED"], 1);
    let again = patch(&api, &id, SERVICE, &json!({"status": "DISPATCHED", "runId": "231"})).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &dispatched.body));
    let failed = patch(&api, &id, CALLBACK, &json!({"status": "FAILED", "lastError": "hỏng\u{0}"})).await;
    assert_eq!(failed.body["outboundJob"]["lastError"], "hỏng");
    let anew = patch(&api, &id, CALLBACK, &json!({"status": "DISPATCHED", "runId": ""})).await;
    assert_eq!(
        (&anew.body["outboundJob"]["lastError"], &anew.body["outboundJob"]["runId"]),
        (&Value::Null, &json!("231"))
    );
    assert_eq!(patch(&api, &id, SERVICE, &json!({"status": "DONE"})).await.status, 200);
    for back in ["NEW", "DISPATCHED", "FAILED"] {
        let answer = patch(&api, &id, SERVICE, &json!({"status": back})).await;
        assert_eq!(answer.outcome(), (409, "CONFLICT"), "{back}");
    }
    assert_eq!(with_service(&api, &format!("{JOBS}?status=NEW")).await.body["total"], 0);
    let read = with_service(&api, &format!("{JOBS}/{id}")).await;
    let by: Vec<_> =
        read.body["history"].as_array().unwrap().iter().map(|line| line["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["user:u1", "service", "n8n", "n8n", "service"]);
}

#[actix_web::test]
async fn a_move_needs_the_service_token_or_the_callback_secret() {
    let api = TestApi::new();
    let id = job(&api).await;
    let path = format!("{JOBS}/{id}");
    let body = json!({"status": "DISPATCHED"}).to_string();
    let bare = api.send(request(Method::PATCH, &path).set_payload(body.clone())).await;
    assert_eq!(bare.outcome(), (401, "AUTH_MISSING_SERVICE_TOKEN"));
    let admin =
        api.send(request(Method::PATCH, &path).insert_header(bearer("admin")).set_payload(body)).await;
    assert_eq!(admin.outcome(), (401, "AUTH_MISSING_SERVICE_TOKEN"));
    let wrong = patch(&api, &id, ("x-service-token", "wrong"), &json!({"status": "DISPATCHED"})).await;
    assert_eq!(wrong.outcome(), (401, "AUTH_INVALID_SERVICE_TOKEN"));
    let wrong = patch(&api, &id, ("x-callback-secret", "wrong"), &json!({"status": "DISPATCHED"})).await;
    assert_eq!(wrong.outcome(), (403, "AUTH_FORBIDDEN"));
    let unknown =
        patch(&api, "01890000-0000-7000-8000-000000000000", SERVICE, &json!({"status": "DONE"})).await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND"));
    let nothing = patch(&api, &id, SERVICE, &json!({"runId": "x".repeat(65)})).await;
    let paths: Vec<_> =
        nothing.body["error"]["details"].as_array().unwrap().iter().map(|one| one["path"].clone()).collect();
    assert_eq!(paths, ["status", "runId"]);
}

#[actix_web::test]
async fn a_move_with_a_key_is_made_once() {
    let api = TestApi::new();
    let id = job(&api).await;
    let send = |body: Value| {
        let request = request(Method::PATCH, &format!("{JOBS}/{id}")).insert_header(SERVICE);
        api.send(request.insert_header(("idempotency-key", "k1")).set_payload(body.to_string()))
    };
    let first = send(json!({"status": "DISPATCHED"})).await;
    let again = send(json!({"status": "DISPATCHED"})).await;
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, "true"));
    assert_eq!(send(json!({"status": "DONE"})).await.outcome(), (409, "IDEMPOTENCY_CONFLICT"));
}

#[actix_web::test]
async fn others_jobs_are_not_there() {
    let api = TestApi::new();
    let id = job(&api).await;
    let other = |role: &str| {
        let mut claims = claims(role);
        claims["sub"] = json!("u2");
        ("authorization", format!("Bearer {}", token(&claims, JWT_SECRET)))
    };
    for role in ["telesales", "manager", "viewer"] {
        let read = api.send(request(Method::GET, &format!("{JOBS}/{id}")).insert_header(other(role))).await;
        assert_eq!(read.outcome(), (404, "NOT_FOUND"), "{role}");
        let list = api.send(request(Method::GET, JOBS).insert_header(other(role))).await;
        assert_eq!(list.body["total"], 0, "{role}");
        let asked =
            api.send(request(Method::GET, &format!("{JOBS}?ownerId=u1")).insert_header(other(role))).await;
        assert_eq!(asked.body["total"], 0, "{role}: a filter opens nothing");
    }
    let foreign = json!({"channel": "SMS", "text": "Chào", "to": "0901234567", "ownerId": "u9"});
    assert_eq!(send(&api, "telesales", &foreign).await.outcome(), (403, "AUTH_FORBIDDEN"));
}

#[actix_web::test]
async fn who_may_not_read_messages_reads_no_phones_or_texts_in_jobs() {
    let api = TestApi::new();
    let id = job(&api).await;
    patch(&api, &id, SERVICE, &json!({"status": "DISPATCHED"})).await;
    patch(&api, &id, SERVICE, &json!({"status": "FAILED", "lastError": "no route to 0901234567"})).await;
    let path = format!("{JOBS}/{id}");
    let read = api.send(request(Method::GET, &path).insert_header(bearer("viewer"))).await;
    let list = api.send(request(Method::GET, JOBS).insert_header(bearer("viewer"))).await;
    for (answer, job) in [(&read, &read.body["outboundJob"]), (&list, &list.body["items"][0])] {
        assert_eq!(job["title"], "Nhắc chị Lan •••");
        assert_eq!((&job["note"], &job["lastError"]), (&Value::Null, &Value::Null));
        let text = answer.body.to_string();
        assert!(!text.contains("4567") && !text.contains("Chào"), "{text}");
    }
    let whole = api.get(&path).await.body.to_string();
    assert!(whole.contains("no route to 0901234567") && whole.contains("0901 234 567"));
}
