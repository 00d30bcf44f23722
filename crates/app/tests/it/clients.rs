//! Existing CRM clients and N8N workflows, by their habits.

mod n8n;

use chrono::TimeDelta;
use domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::scripted_n8n::Reaction;

use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, sms};

const MESSAGES: &str = "/api/outbound/messages";
async fn push(app: &TestApp, contacts: Value) -> Value {
    let request = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    answer(request.json(&json!({"contacts": contacts}))).await.expect(200)
}

async fn template(app: &TestApp, key: &str, body: &str) {
    let template = json!({"key": key, "title": key, "channel": "SMS", "body": body});
    app.post("/api/outbound/templates", &app.admin(), &template).await.expect(201);
}

#[tokio::test]
async fn a_browser_uses_the_cookie_and_another_site_s_page_can_not() {
    let app = TestApp::start().await;
    let cookie = format!("theme=dark; access_token={}; lang=vi", app.token(Role::Telesales, "u1", None));
    let send = |method: Method, site: &'static str| {
        let request = app.request(method, MESSAGES).header("cookie", &cookie).header("sec-fetch-site", site);
        request.header("accept", "application/json")
    };
    let made = answer(send(Method::POST, "same-origin").json(&sms(1))).await.expect(201);
    assert_eq!(made["outboundMessage"]["ownerId"], "u1");
    assert_eq!(answer(send(Method::GET, "same-origin")).await.expect(200)["total"], 1);
    let forged = answer(send(Method::POST, "cross-site").json(&sms(2))).await.expect(403);
    assert_eq!(forged["error"]["code"], "AUTH_FORBIDDEN");
    let both = send(Method::GET, "same-origin").bearer_auth("wrong");
    assert_eq!(answer(both).await.expect(401)["error"]["code"], "AUTH_INVALID_TOKEN", "the header wins");
    let stale = app.request(Method::GET, MESSAGES).header("cookie", "access_token=old");
    assert_eq!(answer(stale).await.expect(401)["error"]["code"], "AUTH_INVALID_TOKEN");
    let logged_out = app.request(Method::GET, MESSAGES).header("cookie", "access_token=");
    assert_eq!(answer(logged_out).await.expect(401)["error"]["code"], "AUTH_MISSING_BEARER");
}

#[tokio::test]
async fn a_telesales_dispatch_sends_their_own_messages_alone() {
    let app = TestApp::start().await;
    let owned = |number: u32, owner: Option<&str>, priority: &str| {
        let mut body = sms(number);
        body["ownerId"] = json!(owner);
        body["priority"] = json!(priority);
        body
    };
    // The others' are in front.
    let mut others = Vec::new();
    for number in 0..30 {
        others.push(app.create(owned(number, [Some("u2"), None][number as usize % 2], "HIGH")).await);
    }
    let mut own = Vec::new();
    for number in 30..33 {
        own.push(app.create(owned(number, Some("u1"), "LOW")).await);
    }
    let token = app.token(Role::Telesales, "u1", None);
    let report = app.post("/api/outbound/dispatch", &token, &json!({"limit": 20})).await.expect(200);
    for (name, expected) in
        [("total", json!(3)), ("accepted", json!(3)), ("failed", json!(0)), ("remainingEstimate", json!(0))]
    {
        assert_eq!(report[name], expected, "{name}: {report}");
    }
    assert_eq!(report["breakdownByOwner"], json!([{"ownerId": "u1", "ownerName": null, "count": 3}]));
    for id in &own {
        let sent = app.wait_for_status(id, "SENT").await;
        assert_eq!(sent["timeline"][1]["by"], "user:u1", "{sent}");
    }
    let mut handed_off: Vec<_> = app.n8n.log().messages().into_iter().map(str::to_owned).collect();
    handed_off.sort_unstable();
    own.sort_unstable();
    assert_eq!(handed_off, own);
    assert_eq!(app.count("QUEUED").await, 30);
    let force = json!({"ignoreQuietHours": true});
    app.post("/api/outbound/dispatch", &token, &force).await.expect(403);
}

#[tokio::test]
async fn viewers_see_jobs_but_neither_phones_nor_texts() {
    let app = TestApp::builder()
        .script(|_| Reaction::settled(&json!({"status": "FAILED", "error": "0901234567 không nghe máy"})))
        .start()
        .await;
    push(
        &app,
        json!([{"leadId": "l1", "fullName": "Trần Thị Lan", "phone": "0901234567", "branchId": "b1"}]),
    )
    .await;
    let body = json!({
        "title": "Gọi lại 0901 234 567", "note": "Chị Lan, +84 901 234 567", "channel": "SMS", "leadId": "l1",
        "text": "Chào chị, bí mật", "branchId": "b1",
    });
    let made = app.post("/api/outbound/jobs", &app.admin(), &body).await.expect(201);
    let id = made["outboundJob"]["id"].as_str().unwrap();
    app.run_worker(json!({})).await;
    let path = format!("/api/outbound/jobs/{id}");
    for status in
        [json!({"status": "DISPATCHED"}), json!({"status": "FAILED", "lastError": "số 0901234567 bận"})]
    {
        let patch = app.request(Method::PATCH, &path).header("x-service-token", SERVICE_TOKEN);
        answer(patch.json(&status)).await.expect(200);
    }
    let viewer = app.token(Role::Viewer, "v1", Some("b1"));
    for path in ["/api/outbound/jobs", &path] {
        let seen = app.get(path, &viewer).await.expect(200);
        let job = if path.ends_with("jobs") { &seen["items"][0] } else { &seen["outboundJob"] };
        assert_eq!((&job["id"], &job["messageCounts"]["FAILED"]), (&json!(id), &json!(1)), "{seen}");
        let text = seen.to_string();
        for secret in ["4567", "234 567", "bí mật", "Lan"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        // Whoever reads messages reads it all.
        let whole = app.get(path, &app.token(Role::DirectPage, "p1", None)).await.expect(200).to_string();
        assert!(whole.contains("+84 901 234 567") && whole.contains("số 0901234567 bận"), "{whole}");
    }
    let message = format!("{MESSAGES}/{}", made["outboundMessage"]["id"].as_str().unwrap());
    for path in [MESSAGES, &message, "/api/outbound/stats", "/api/outbound/templates", "/api/templates"] {
        let refused = app.get(path, &viewer).await.expect(403);
        assert_eq!(refused["error"]["code"], "AUTH_FORBIDDEN", "{path}");
    }
}

#[tokio::test]
async fn an_opt_out_that_arrives_later_stops_queued_messages_at_the_lease() {
    let app = TestApp::start().await;
    let contact = |channels: Value| json!([{"leadId": "l1", "phone": "0901234567", "fullName": "Lan", "optedOutChannels": channels}]);
    push(&app, contact(json!([]))).await;
    let message = |channel: &str, text: &str| json!({"channel": channel, "leadId": "l1", "text": text});
    let sms = app.create(message("SMS", "Chào")).await;
    let retried = app.create(message("SMS", "Chào lần nữa")).await;
    let zalo = app.create(message("ZALO", "Chào qua Zalo")).await;
    // One of them has failed once by then, and waits for its retry.
    app.n8n.set_script(|_| Reaction::settled(&json!({"status": "FAILED", "error": "máy bận"})));
    let cancel = format!("{MESSAGES}/{sms}/cancel");
    app.post(&cancel, &app.admin(), &json!({})).await.expect(200);
    app.run_worker(json!({"batchSize": 1})).await;
    app.post(&format!("{MESSAGES}/{sms}/requeue"), &app.admin(), &json!({})).await.expect(200);
    assert_eq!(app.message(&retried).await["outboundMessage"]["failureKind"], "RETRY");

    push(&app, contact(json!(["SMS"]))).await;
    assert_eq!(app.message(&sms).await["explain"]["reasons"][0]["code"], "OPTED_OUT_SINCE");
    app.n8n.set_script(|_| Reaction::settled(&json!({"status": "SENT"})));
    app.clock.advance(TimeDelta::minutes(5));
    let report = app.run_worker(json!({})).await;
    assert_eq!((&report["processed"], &report["sent"]), (&json!(1), &json!(1)), "{report}");
    for id in [&sms, &retried] {
        let stopped = app.message(id).await;
        let fields = &stopped["outboundMessage"];
        assert_eq!(
            (&fields["status"], &fields["error"]),
            (&json!("SKIPPED"), &json!("OPTED_OUT")),
            "{stopped}"
        );
    }
    assert_eq!(app.message(&zalo).await["outboundMessage"]["status"], "SENT", "another channel");
    let log = app.n8n.log();
    assert_eq!((log.of(&sms).len(), log.of(&retried).len()), (0, 1));
    // New ones are stored and skipped, also by the number itself.
    let new = app.post(MESSAGES, &app.admin(), &message("SMS", "Mới")).await.expect(200);
    assert_eq!((&new["skipped"], &new["reason"]), (&json!(true), &json!("OPTED_OUT")));
    let bare = json!({"channel": "SMS", "to": "0901 234 567", "text": "Mới nữa"});
    let bare = app.post(MESSAGES, &app.admin(), &bare).await.expect(200);
    assert_eq!((&bare["skipped"], &bare["reason"]), (&json!(true), &json!("OPTED_OUT")));
    push(&app, contact(json!([]))).await;
    app.post(MESSAGES, &app.admin(), &message("SMS", "Lại nhận tin")).await.expect(201);
}

#[tokio::test]
async fn every_id_that_a_request_names_is_checked_not_the_first_one_alone() {
    let app = TestApp::start().await;
    push(
        &app,
        json!([
            {"leadId": "mine", "phone": "0901234561", "ownerId": "u1", "branchId": "b1"},
            {"studentId": "mine", "phone": "0901234562", "ownerId": "u1", "branchId": "b1"},
            {"leadId": "foreign", "phone": "0901234563", "ownerId": "u2", "branchId": "b1"},
            {"studentId": "foreign", "phone": "0901234564", "ownerId": "u2", "branchId": "b2"},
        ]),
    )
    .await;
    let telesales = app.token(Role::Telesales, "u1", Some("b1"));
    let manager = app.token(Role::Manager, "m1", Some("b1"));
    let table = [
        (json!({"leadId": "mine"}), 201, 201),
        (json!({"leadId": "mine", "studentId": "mine"}), 201, 201),
        (json!({"leadId": "mine", "studentId": "foreign"}), 403, 403),
        (json!({"leadId": "mine", "studentId": "foreign", "ownerId": "u1", "branchId": "b1"}), 403, 403),
        (json!({"leadId": "foreign", "ownerId": "u1", "branchId": "b1"}), 403, 201),
        (json!({"leadId": "foreign", "studentId": "mine"}), 403, 201),
        (json!({"leadId": "foreign"}), 403, 201),
        (json!({"studentId": "foreign", "to": "0901234561"}), 403, 403),
        (json!({"to": "0901234564"}), 403, 403),
        (json!({"leadId": "mine", "to": "0901234564"}), 403, 403),
        (json!({"leadId": "mine", "ownerId": "u2"}), 403, 201),
        (json!({"leadId": "mine", "branchId": "b2"}), 403, 403),
        (json!({"leadId": "mine", "studentId": "nobody"}), 404, 404),
        (json!({"leadId": "nobody"}), 404, 404),
    ];
    for (number, (recipient, for_telesales, for_manager)) in table.into_iter().enumerate() {
        for (token, expected) in [(&telesales, for_telesales), (&manager, for_manager)] {
            for path in [MESSAGES, "/api/outbound/jobs"] {
                let mut body = recipient.clone();
                body["channel"] = json!("SMS");
                body["text"] = json!(format!("Chào {number}"));
                body["allowDuplicate"] = json!(true);
                let answered = app.post(path, token, &body).await;
                assert_eq!(answered.status, expected, "{path} {recipient}: {}", answered.body);
            }
        }
        // In a bulk it is the row that is refused.
        if recipient.get("ownerId").or(recipient.get("branchId")).is_none() {
            let body = json!({
                "channel": "SMS", "text": format!("Chào cả lớp {number}"), "allowDuplicate": true,
                "recipients": [{"leadId": "mine"}, recipient],
            });
            let done = app.post("/api/outbound/messages/bulk", &telesales, &body).await.expect(201);
            let codes: Vec<_> = done["rejected"].as_array().unwrap().iter().map(|row| &row["code"]).collect();
            let expected = match for_telesales {
                403 => vec!["AUTH_FORBIDDEN"],
                404 => vec!["NOT_FOUND"],
                _ => vec![],
            };
            assert_eq!(codes, expected, "{recipient}");
        }
    }
    let client = app.database.connect().await;
    let leaked = "select count(*) from outbound_message where recipient = '+84901234564'";
    assert_eq!(client.query_one(leaked, &[]).await.unwrap().get::<_, i64>(0), 0);
    let owned =
        "select count(*) from outbound_message where owner_id is null or branch_id is distinct from 'b1'";
    assert_eq!(client.query_one(owned, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_variable_that_stays_empty_is_refused_with_the_names_of_all_that_are_missing() {
    let app = TestApp::start().await;
    template(&app, "contact", "Chào {{ name }}, liên hệ {{ ownerName }} để được hỗ trợ lớp {{ class }}")
        .await;
    push(
        &app,
        json!([
            {"leadId": "bare", "phone": "0901234561"},
            {"leadId": "whole", "phone": "0901234562", "fullName": "Lan", "ownerId": "u1", "ownerName": "Hoa"},
        ]),
    )
    .await;
    let body = |lead: &str, variables: Value| json!({"channel": "SMS", "templateKey": "contact", "leadId": lead, "variables": variables});
    for (lead, variables, missing) in [
        ("bare", json!({}), vec!["variables.name", "variables.ownerName", "variables.class"]),
        (
            "bare",
            json!({"name": "Lan", "ownerName": "  ", "class": ""}),
            vec!["variables.ownerName", "variables.class"],
        ),
        ("whole", json!({"colour": "đỏ"}), vec!["variables.class"]),
    ] {
        for path in [MESSAGES, "/api/outbound/jobs"] {
            let refused = app.post(path, &app.admin(), &body(lead, variables.clone())).await.expect(400);
            let details = refused["error"]["details"].as_array().unwrap();
            let paths: Vec<_> = details.iter().map(|one| one["path"].as_str().unwrap()).collect();
            assert_eq!(paths, missing, "{path} {lead} {variables}");
        }
    }
    let preview = json!({"leadId": "bare"});
    let preview =
        app.post("/api/outbound/templates/contact/preview", &app.admin(), &preview).await.expect(200);
    assert_eq!(preview["missing"], json!(["name", "ownerName", "class"]));
    let made = app.post(MESSAGES, &app.admin(), &body("whole", json!({"class": "A1"}))).await.expect(201);
    assert_eq!(made["outboundMessage"]["renderedText"], "Chào Lan, liên hệ Hoa để được hỗ trợ lớp A1");
    assert_eq!(app.get(MESSAGES, &app.admin()).await.expect(200)["total"], 1);
}
