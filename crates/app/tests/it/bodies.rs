//! What is no request is told so: a clear 4xx that names the field, never a 500, and nothing is done.

use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{Answer, answer};
use crate::support::{CALLBACK_SECRET, SERVICE_TOKEN, TestApp, WORKER_SECRET, sms};

/// An endpoint with a body, and who may call it.
struct Endpoint {
    method: Method,
    path: String,
    credential: (&'static str, String),
    /// Whether no body at all is fine.
    may_be_empty: bool,
    /// Whether an array is fine.
    takes_arrays: bool,
}

impl Endpoint {
    async fn send(&self, app: &TestApp, body: impl Into<Body>) -> Answer {
        let request = app.request(self.method.clone(), &self.path);
        let (name, value) = &self.credential;
        answer(request.header(*name, value).header("content-type", "application/json").body(body)).await
    }
}

async fn endpoints(app: &TestApp) -> Vec<Endpoint> {
    let admin = app.admin();
    let id = app.create(sms(1)).await;
    let job = app.post("/api/outbound/jobs", &admin, &sms(2)).await.expect(201);
    let job = job["outboundJob"]["id"].as_str().unwrap();
    let template = json!({"key": "hello", "title": "x", "channel": "SMS", "body": "Chào"});
    app.post("/api/outbound/templates", &admin, &template).await.expect(201);
    let user = ("authorization", format!("Bearer {admin}"));
    let worker = ("x-worker-secret", WORKER_SECRET.to_owned());
    let callback = ("x-callback-secret", CALLBACK_SECRET.to_owned());
    let service = ("x-service-token", SERVICE_TOKEN.to_owned());
    let endpoint = |method, path: &str, credential: &(&'static str, String), may_be_empty| Endpoint {
        method,
        path: path.to_owned(),
        credential: credential.clone(),
        may_be_empty,
        takes_arrays: path.ends_with("/callback"),
    };
    let post = || Method::POST;
    vec![
        endpoint(post(), "/api/outbound/messages", &user, false),
        endpoint(post(), "/api/outbound/messages/bulk", &user, false),
        endpoint(post(), "/api/outbound/messages/cancel", &user, false),
        endpoint(post(), "/api/outbound/messages/requeue", &user, false),
        endpoint(post(), &format!("/api/outbound/messages/{id}/cancel"), &user, true),
        endpoint(post(), &format!("/api/outbound/messages/{id}/requeue"), &user, true),
        endpoint(post(), "/api/outbound/dispatch", &user, true),
        endpoint(post(), "/api/outbound/jobs", &user, false),
        endpoint(Method::PATCH, &format!("/api/outbound/jobs/{job}"), &service, false),
        endpoint(post(), "/api/outbound/templates", &user, false),
        endpoint(Method::PUT, "/api/outbound/templates/hello", &user, false),
        endpoint(post(), "/api/outbound/templates/hello/preview", &user, true),
        endpoint(Method::PUT, "/api/outbound/contacts", &service, false),
        endpoint(post(), "/api/worker/outbound", &worker, true),
        endpoint(post(), "/api/worker/outbound/heartbeat", &worker, false),
        endpoint(post(), "/api/outbound/callback", &callback, false),
    ]
}

/// The paths of what is wrong.
#[track_caller]
fn wrong(answer: &Answer) -> Vec<&str> {
    let error = &answer.body["error"];
    assert_eq!((answer.status, &error["code"]), (400, &json!("VALIDATION_ERROR")), "{}", answer.body);
    let details = error["details"].as_array().unwrap();
    assert!(details.iter().all(|one| !one["reason"].as_str().unwrap().is_empty()), "{}", answer.body);
    details.iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_by_every_endpoint_and_does_nothing() {
    let app = TestApp::start().await;
    let deep = |open: &str| open.repeat(20_000).into_bytes();
    let not_objects: Vec<(&str, Vec<u8>)> = vec![
        ("null", b"null".to_vec()),
        ("a number", b"42".to_vec()),
        ("a number too large", b"1e999".to_vec()),
        ("true", b"true".to_vec()),
        ("text", br#""Ch\u00e0o""#.to_vec()),
        ("an array", b"[]".to_vec()),
        ("an array of an object", b"[{}]".to_vec()),
        ("truncated", br#"{"dryRun": true"#.to_vec()),
        ("truncated in a text", br#"{"text": "Ch"#.to_vec()),
        ("two objects", b"{}{}".to_vec()),
        ("a comma too many", br#"{"limit": 1,}"#.to_vec()),
        ("single quotes", b"{'limit': 1}".to_vec()),
        ("a form", b"limit=1&text=x".to_vec()),
        ("NUL", b"\0".to_vec()),
        ("NUL after the end", b"{}\0".to_vec()),
        ("NUL in a text, as it is", b"{\"text\": \"a\0b\"}".to_vec()),
        ("invalid UTF-8", b"{\"text\": \"\xff\xfe\"}".to_vec()),
        ("UTF-8 that is cut", b"{\"text\": \"\xe1\xba\"}".to_vec()),
        ("half of a surrogate pair", br#"{"text": "\ud83d"}"#.to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("arrays too deep", deep("[")),
        ("objects too deep", deep("{\"a\":")),
    ];
    for endpoint in endpoints(&app).await {
        for (name, body) in &not_objects {
            if endpoint.takes_arrays && name.starts_with("an array") {
                continue;
            }
            let answered = endpoint.send(&app, body.clone()).await;
            let at = format!("{} {name}: {} {}", endpoint.path, answered.status, answered.body);
            assert_eq!(answered.status, 400, "{at}");
            assert!(!wrong(&answered).is_empty(), "{at}");
        }
        let empty = endpoint.send(&app, "").await;
        assert_eq!(empty.status == 400, !endpoint.may_be_empty, "{}: {}", endpoint.path, empty.body);
        assert!(empty.status < 500, "{}", endpoint.path);
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_name_and_n8n_s_own_in_a_callback_are_not() {
    let app = TestApp::start().await;
    for endpoint in endpoints(&app).await {
        let answered = endpoint.send(&app, r#"{"colour": "đỏ"}"#).await;
        if endpoint.takes_arrays {
            assert_eq!(wrong(&answered), ["messageId"]);
            continue;
        }
        assert_eq!(wrong(&answered), ["colour"], "{}", endpoint.path);
        let reason = answered.body["error"]["details"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("unknown field `colour`"), "{reason}");
    }
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named_with_its_reason_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let long = || json!("0".repeat(10_000));
    let nul = || json!("0901\u{0}234567");
    let table = vec![
        ("messages", "to", long(), "to"),
        ("messages", "to", nul(), "to"),
        ("messages", "to", json!(901_234_567), "to"),
        ("messages", "to", json!(["0901234567"]), "to"),
        ("messages", "to", json!(""), "to"),
        ("messages", "to", json!("chị Lan"), "to"),
        ("messages", "text", nul(), "text"),
        ("messages", "text", json!("a".repeat(4_001)), "text"),
        ("messages", "text", json!(" \n "), "text"),
        ("messages", "leadId", nul(), "leadId"),
        ("messages", "leadId", long(), "leadId"),
        ("messages", "ownerId", json!(7), "ownerId"),
        ("messages", "branchId", nul(), "branchId"),
        ("messages", "notificationId", long(), "notificationId"),
        ("messages", "channel", json!("sms"), "channel"),
        ("messages", "channel", nul(), "channel"),
        ("messages", "priority", json!(1), "priority"),
        ("messages", "scheduledAt", json!("2027-02-29T09:00:00Z"), "scheduledAt"),
        ("messages", "scheduledAt", json!("2027-01-04T25:00:00Z"), "scheduledAt"),
        ("messages", "scheduledAt", json!("99999-01-01T00:00:00Z"), "scheduledAt"),
        ("messages", "scheduledAt", json!("9999-01-01T00:00:00Z"), "scheduledAt"),
        ("messages", "scheduledAt", json!(1_800_000_000), "scheduledAt"),
        ("messages", "allowDuplicate", json!("true"), "allowDuplicate"),
        ("messages", "variables", json!([1]), "variables"),
        ("jobs", "to", long(), "to"),
        ("jobs", "title", nul(), "title"),
        ("jobs", "note", nul(), "note"),
        ("jobs", "actionKey", long(), "actionKey"),
        ("jobs", "suggestionId", nul(), "suggestionId"),
        ("messages/bulk", "recipients", json!({}), "recipients"),
        ("messages/bulk", "recipients", json!([]), "recipients"),
        ("messages/bulk", "text", nul(), "text"),
    ];
    for (path, name, value, expected) in table {
        let mut body = json!({"channel": "SMS", "to": "0901234567", "text": "Chào"});
        if path == "messages/bulk" {
            body.as_object_mut().unwrap().remove("to");
            body["recipients"] = json!([{"to": "0901234567"}]);
        }
        body[name] = value;
        let answered = app.post(&format!("/api/outbound/{path}"), &app.admin(), &body).await;
        assert_eq!(wrong(&answered), [expected], "{path} {name}: {}", answered.body);
    }
    assert_eq!(app.get("/api/outbound/messages", &app.admin()).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn machines_fields_are_named_too() {
    let app = TestApp::start().await;
    let endpoints = endpoints(&app).await;
    let id = app.create(sms(9)).await;
    app.run_worker(json!({"mode": "pull"})).await;
    let callback = |name: &str, value: Value| {
        let mut body = json!({"messageId": id, "status": "SENT"});
        body[name] = value;
        body
    };
    let table = vec![
        ("/api/worker/outbound", json!({"batchSize": 0}), "batchSize"),
        ("/api/worker/outbound", json!({"batchSize": -1}), "batchSize"),
        ("/api/worker/outbound", json!({"batchSize": 2.5}), "batchSize"),
        ("/api/worker/outbound", json!({"concurrency": "5"}), "concurrency"),
        ("/api/worker/outbound", json!({"mode": "shove"}), "mode"),
        ("/api/worker/outbound", json!({"dryRun": 1}), "dryRun"),
        ("/api/worker/outbound/heartbeat", json!({"leaseId": "7", "extendSeconds": 5}), "leaseId"),
        ("/api/outbound/callback", callback("messageId", json!("a\u{0}b")), "messageId"),
        ("/api/outbound/callback", callback("messageId", Value::Null), "messageId"),
        ("/api/outbound/callback", callback("status", json!("OK")), "status"),
        ("/api/outbound/callback", callback("sentAt", json!("9999-01-01T00:00:00Z")), "sentAt"),
        ("/api/outbound/callback", callback("sentAt", json!("2027-02-29T00:00:00Z")), "sentAt"),
        ("/api/outbound/dispatch", json!({"limit": -5}), "limit"),
        ("/api/outbound/messages/cancel", json!({"ids": ["7"]}), "ids[0]"),
        ("/api/outbound/messages/cancel", json!({"ids": []}), "ids"),
        ("/api/outbound/messages/requeue", json!({"filter": {"from": "2027-02-30"}}), "filter.from"),
        ("/api/outbound/messages/requeue", json!({"filter": []}), "filter"),
        ("/api/outbound/messages/cancel", json!({"filter": {}}), "filter"),
        ("/api/outbound/contacts", json!({"contacts": {}}), "contacts"),
    ];
    for (path, body, expected) in table {
        let endpoint = endpoints.iter().find(|endpoint| endpoint.path == path).unwrap();
        let answered = endpoint.send(&app, body.to_string()).await;
        assert_eq!(wrong(&answered), [expected], "{path} {body}");
    }
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "DISPATCHED");
}

#[tokio::test]
async fn queries_and_paths_that_name_nothing_are_4xx_and_a_page_past_the_end_is_empty() {
    let app = TestApp::start().await;
    app.create(sms(1)).await;
    for (path, expected) in [
        ("messages?page=-1", "page"),
        ("messages?page=0", "page"),
        ("messages?page=1e3", "page"),
        ("messages?pageSize=-20", "pageSize"),
        ("messages?from=2027-02-30", "from"),
        ("messages?to=2027-00-10", "to"),
        ("messages?from=%00", "from"),
        ("messages?q=a%00b", "q"),
        ("messages?q=%FF%FE", "q"),
        ("messages?q=a&leadId=%E1%BA", "leadId"),
        ("messages?%FF=a", "query"),
        ("jobs?suggestionId=%C3%28", "suggestionId"),
        ("messages?leadId=%00", "leadId"),
        ("messages?status=%00", "status"),
        ("messages?cursor=%00", "cursor"),
        ("jobs?page=-1", "page"),
        ("jobs?status=OPEN", "status"),
        ("jobs?suggestionId=%00", "suggestionId"),
        ("jobs?status=NEW&status=DONE", "status"),
        ("messages?from=%2B999-01-01", "from"),
        ("audit?subject=%00", "subject"),
        ("audit?subject=lead%3A%FF", "subject"),
        ("audit?actor=user%3A%00", "actor"),
    ] {
        let answered = app.get(&format!("/api/outbound/{path}"), &app.admin()).await;
        assert_eq!(wrong(&answered), [expected], "{path}");
    }
    let long = "x".repeat(10_000);
    for path in [
        "messages/7",
        "messages/%00",
        "messages/%FF",
        "messages/01890000-0000-7000-8000-000000000000",
        "jobs/%00",
        "jobs/%E1%BA",
        &format!("jobs/{long}"),
        "nothing",
    ] {
        let answered = app.get(&format!("/api/outbound/{path}"), &app.admin()).await.expect(404);
        assert_eq!(answered["error"]["code"], "NOT_FOUND", "{path}");
    }
    for key in ["%00", "%FF", "a%2Fb", &long] {
        let path = format!("/api/outbound/templates/{key}/preview");
        app.post(&path, &app.admin(), &json!({})).await.expect(404);
    }
    for (path, total) in [("messages?page=2", 1), ("jobs?page=1000000", 0)] {
        let page = app.get(&format!("/api/outbound/{path}"), &app.admin()).await.expect(200);
        assert_eq!((&page["items"], &page["total"]), (&json!([]), &json!(total)), "{path}");
    }
    let refused =
        answer(app.request(Method::DELETE, "/api/outbound/messages").bearer_auth(app.admin())).await;
    assert_eq!(refused.headers["allow"], "GET, POST");
    refused.expect(405);
}

const HUNDRED_MB: usize = 100 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_a_hundred_megabytes_is_413_for_a_client_that_sends_all_of_it_first() {
    let app = TestApp::start().await;
    let body = bytes_of(HUNDRED_MB);
    for endpoint in endpoints(&app).await {
        let answered = endpoint.send(&app, Body::from(body)).await;
        assert_eq!(answered.status, 413, "{}: {}", endpoint.path, answered.body);
        assert_eq!(answered.body["error"]["code"], "PAYLOAD_TOO_LARGE");
    }
    // The server is none the worse.
    app.create(sms(50)).await;
}

fn bytes_of(size: usize) -> &'static [u8] {
    Box::leak(vec![b' '; size].into_boxed_slice())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_413_too_where_the_body_s_size_is_not_announced_or_the_client_asks_first() {
    let app = TestApp::start().await;
    let length = format!("content-length: {HUNDRED_MB}\r\n");
    let chunked = "transfer-encoding: chunked\r\n";
    for (name, headers) in [
        ("announced", length.clone()),
        ("asked for first", format!("{length}expect: 100-continue\r\n")),
        ("in chunks", chunked.to_owned()),
    ] {
        for path in ["/api/outbound/messages", "/api/outbound/messages/bulk"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n{headers}\r\n",
                app.admin()
            );
            let answered = send_until_answered(&app, &head, name == "in chunks").await;
            assert!(answered.contains("413 Payload Too Large"), "{name} {path}: {answered:?}");
            assert!(answered.contains("PAYLOAD_TOO_LARGE"), "{name} {path}: {answered:?}");
        }
    }
}

/// Writes a head and an endless body until the server has answered; what it answered.
async fn send_until_answered(app: &TestApp, head: &str, chunked: bool) -> String {
    let address = app.url.strip_prefix("http://").unwrap();
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    to.write_all(head.as_bytes()).await.unwrap();
    let block = vec![b' '; 64 * 1024];
    let writing = tokio::spawn(async move {
        for _ in 0..HUNDRED_MB / block.len() {
            if chunked {
                to.write_all(format!("{:x}\r\n", block.len()).as_bytes()).await?;
            }
            to.write_all(&block).await?;
            if chunked {
                to.write_all(b"\r\n").await?;
            }
        }
        std::io::Result::Ok(to)
    });
    let mut answered = Vec::new();
    let mut block = [0; 4096];
    // To the end of the error's JSON, or of the connection.
    while !answered.ends_with(b"}}") {
        match from.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(read) => answered.extend_from_slice(&block[..read]),
        }
    }
    writing.abort();
    String::from_utf8_lossy(&answered).into_owned()
}
