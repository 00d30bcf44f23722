//! The audit trail: who did what.

use domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, sms};

async fn trail(app: &TestApp, query: &str) -> Value {
    app.get(&format!("/api/outbound/audit?{query}"), &app.admin()).await.expect(200)
}

/// Actor, action and subject of each entry, oldest first.
async fn deeds(app: &TestApp) -> Vec<(String, String, Value)> {
    let trail = trail(app, "pageSize=200").await;
    let items = trail["items"].as_array().unwrap().iter().rev();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items.map(|item| (text(&item["actor"]), text(&item["action"]), item["subject"].clone())).collect()
}

async fn send(app: &TestApp, method: Method, path: &str, body: Value) -> u16 {
    answer(app.request(method, path).bearer_auth(app.admin()).json(&body)).await.status
}

async fn push(app: &TestApp, contact: Value) {
    let request = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    answer(request.json(&json!({"contacts": [contact]}))).await.expect(200);
}

#[tokio::test]
async fn each_deed_is_told_with_who_did_it_and_to_what() {
    let app = TestApp::start().await;
    let (one, two) = (app.create(sms(1)).await, app.create(sms(2)).await);
    let sales = app.token(Role::Manager, "m1", None);
    let cancel = format!("/api/outbound/messages/{one}/cancel");
    assert_eq!(app.post(&cancel, &sales, &json!({})).await.status, 404, "outside of their scope");
    assert_eq!(send(&app, Method::POST, &cancel, json!({})).await, 200);
    assert_eq!(send(&app, Method::POST, &cancel, json!({})).await, 409, "nothing done, nothing told");
    assert_eq!(send(&app, Method::POST, "/api/outbound/messages/requeue", json!({"ids": [one]})).await, 200);
    let filter = json!({"filter": {"status": "QUEUED", "q": "Chào"}});
    assert_eq!(send(&app, Method::POST, "/api/outbound/messages/cancel", filter).await, 200);
    assert_eq!(
        send(&app, Method::POST, "/api/outbound/messages/requeue", json!({"ids": [one, two]})).await,
        200
    );
    assert_eq!(
        send(&app, Method::POST, "/api/outbound/dispatch", json!({"ignoreQuietHours": true})).await,
        200
    );
    assert_eq!(send(&app, Method::POST, "/api/outbound/dispatch", json!({})).await, 200);
    let template = json!({"key": "hi", "title": "Chào", "channel": "SMS", "body": "Chào bạn"});
    assert_eq!(send(&app, Method::POST, "/api/outbound/templates", template.clone()).await, 201);
    assert_eq!(send(&app, Method::POST, "/api/outbound/templates", template.clone()).await, 409);
    assert_eq!(send(&app, Method::PUT, "/api/outbound/templates/hi", template).await, 200);
    assert_eq!(send(&app, Method::DELETE, "/api/outbound/templates/hi", json!({})).await, 204);
    assert_eq!(send(&app, Method::DELETE, "/api/outbound/templates/hi", json!({})).await, 404);
    push(&app, json!({"leadId": "l1", "phone": "0901234567"})).await;
    push(&app, json!({"leadId": "l1", "optedOutChannels": ["SMS", "ZALO"]})).await;
    push(&app, json!({"leadId": "l1", "fullName": "An", "optedOutChannels": ["SMS", "ZALO"]})).await;

    let admin = |action: &str, subject: Value| ("user:admin".to_owned(), action.to_owned(), subject);
    let service = |action: &str, subject: Value| ("service".to_owned(), action.to_owned(), subject);
    let deeds = deeds(&app).await;
    let lease = deeds[5].2.clone();
    assert_eq!(
        deeds,
        [
            admin("messages.cancel", json!(one)),
            admin("messages.requeue", json!(one)),
            admin("messages.cancel", Value::Null),
            admin("messages.cancel", Value::Null),
            admin("messages.requeue", Value::Null),
            admin("dispatch.ignore_quiet_hours", lease),
            admin("template.create", json!("hi")),
            admin("template.update", json!("hi")),
            admin("template.delete", json!("hi")),
            service("contacts.push", Value::Null),
            service("contacts.push", Value::Null),
            service("contact.opt_out", json!("lead:l1")),
            service("contacts.push", Value::Null),
        ]
    );
    let told = app.message(&two).await["timeline"].clone();
    let passed = |step: &Value| step["detail"] == "quiet hours ignored" && step["by"] == "user:admin";
    assert!(told.as_array().unwrap().iter().any(passed), "the message's own timeline tells it too: {told}");
    let details = trail(&app, "action=messages.cancel").await;
    let filtered = &details["items"][0]["detail"];
    assert_eq!(
        *filtered,
        json!({"status": "QUEUED", "q": "(a text)", "changed": "2", "refused": "0"}),
        "what was searched for may be a phone number"
    );
    assert_eq!(details["items"][1]["detail"]["begins"], "true");
    let opted = trail(&app, "subject=lead:l1").await;
    assert_eq!(opted["items"][0]["detail"], json!({"before": "", "after": "ZALO SMS"}));
}

#[tokio::test]
async fn the_trail_is_read_page_by_page_and_narrowed() {
    let app = TestApp::start().await;
    for number in 0..5 {
        push(&app, json!({"leadId": format!("l{number}"), "optedOutChannels": ["SMS"]})).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = trail(&app, &format!("pageSize=3&actor=service&cursor={cursor}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.is_sorted_by(|later, earlier| later > earlier), "newest first, each once");
    assert_eq!(trail(&app, "action=contact.opt_out").await["items"].as_array().unwrap().len(), 5);
    assert_eq!(trail(&app, "actor=user:nobody").await["items"], json!([]));
    for wrong in ["action=steal", "actor=everybody", "cursor=1", "pageSize=-1"] {
        app.get(&format!("/api/outbound/audit?{wrong}"), &app.admin()).await.expect(400);
    }
}

#[tokio::test]
async fn what_is_written_stays_and_a_deed_that_is_undone_is_not_told() {
    let app = TestApp::start().await;
    push(&app, json!({"leadId": "l1"})).await;
    let client = app.database.connect().await;
    for change in [
        "update outbound_audit set actor = 'user:x'",
        "delete from outbound_audit",
        "truncate outbound_audit",
    ] {
        let error = client.batch_execute(change).await.unwrap_err();
        assert!(error.as_db_error().unwrap().message().contains("only ever added to"), "{change}: {error}");
    }
    // A deed that the trail can't tell is not done.
    let id = app.create(sms(3)).await;
    client
        .batch_execute(
            "alter table outbound_audit add constraint broken check (action <> 'messages.cancel') not valid",
        )
        .await
        .unwrap();
    let cancel = format!("/api/outbound/messages/{id}/cancel");
    assert_eq!(send(&app, Method::POST, &cancel, json!({})).await, 500);
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "QUEUED");
    assert_eq!(deeds(&app).await.len(), 1);
}

#[tokio::test]
async fn who_signs_in_to_the_pages_is_told_and_who_tries_in_vain_is_not() {
    let app = TestApp::start().await;
    let page = app.request(Method::GET, "/outbound/sign-in").send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let html = page.text().await.unwrap();
    let code = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (token, status) in [("no-token", 401), (app.admin().as_str(), 303)] {
        let form = format!("csrf={code}&token={token}");
        let sign_in = app.request(Method::POST, "/outbound/sign-in").header("cookie", &cookie);
        let sign_in = sign_in.header("content-type", "application/x-www-form-urlencoded").body(form);
        let redirected = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = redirected.tls_certs_only([]).build().unwrap();
        assert_eq!(client.execute(sign_in.build().unwrap()).await.unwrap().status(), status);
    }
    assert_eq!(deeds(&app).await, [("user:admin".to_owned(), "sign_in".to_owned(), Value::Null)]);
}
