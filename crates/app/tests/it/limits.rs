//! What a client may take of the server: time, connections and requests; and what every answer carries.

use std::time::Duration;

use domain::access::Role;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, WORKER_SECRET, sms};

/// How often a slow client sends a byte: far more often than the server's patience ends.
const DRIP: Duration = Duration::from_millis(100);

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Sends the beginning, then a byte now and then, until the server has closed the connection; what it answered.
async fn drip(app: &TestApp, beginning: &str, byte: &'static [u8]) -> String {
    let (mut from, mut to) = connect(app).await.into_split();
    to.write_all(beginning.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        while to.write_all(byte).await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
    });
    let mut answered = Vec::new();
    // A connection that is reset has ended too.
    let _ = from.read_to_end(&mut answered).await;
    dripping.abort();
    String::from_utf8_lossy(&answered).into_owned()
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_or_its_body_is_cut_off() {
    let app = TestApp::builder().set("HTTP_REQUEST_SECONDS", "1").start().await;
    let head = drip(&app, "POST /api/outbound/messages HTTP/1.1\r\nhost: x\r\nx-slow: ", b"a").await;
    assert!(head.is_empty() || head.contains("408 Request Timeout"), "{head}");
    let token = app.admin();
    for (path, credential) in [
        ("/api/outbound/messages", format!("authorization: Bearer {token}")),
        ("/api/worker/outbound", format!("x-worker-secret: {WORKER_SECRET}")),
        ("/api/outbound/contacts", format!("x-service-token: {SERVICE_TOKEN}")),
    ] {
        let method = if path.ends_with("contacts") { "PUT" } else { "POST" };
        let beginning =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{credential}\r\ncontent-length: 5000\r\n\r\n{{");
        let body = drip(&app, &beginning, b" ").await;
        assert!(body.contains("408 Request Timeout") && body.contains("REQUEST_TIMEOUT"), "{path}: {body}");
    }
    assert_eq!(app.n8n.log().hand_offs.len(), 0);
    app.create(sms(1)).await;
}

#[tokio::test]
async fn slow_clients_that_hold_every_connection_are_cut_off_and_the_next_client_is_served() {
    let app =
        TestApp::builder().set("HTTP_REQUEST_SECONDS", "1").set("HTTP_MAX_CONNECTIONS", "4").start().await;
    let mut held = Vec::new();
    for _ in 0..64 {
        let mut connection = connect(&app).await;
        connection.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
        held.push(connection);
    }
    answer(app.request(Method::GET, "/livez")).await.expect(200);
    drop(held);
}

#[tokio::test]
async fn a_caller_who_asks_too_often_waits_and_others_do_not() {
    let app = TestApp::builder().set("API_RATE_LIMIT_PER_SECOND", "2").start().await;
    let eager = app.token(Role::Manager, "eager", None);
    let ask = async || app.get("/api/outbound/templates", &eager).await;
    let mut answers = Vec::new();
    // However slow the machine: of many at once most are too many.
    let asked = futures_util::future::join_all((0..20).map(|_| ask())).await;
    answers.extend(asked);
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one too many");
    assert_eq!(refused.body["error"]["code"], "RATE_LIMITED");
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("2 in a second"), "{}", refused.body);
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(answers.iter().any(|answer| answer.status == 200));
    app.get("/api/outbound/templates", &app.token(Role::Manager, "calm", None)).await.expect(200);
    // Machines that carry the messages are not counted.
    for _ in 0..10 {
        app.run_worker(json!({})).await;
    }
    let push = || {
        let request =
            app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
        answer(request.json(&json!({"contacts": []})))
    };
    let pushed = futures_util::future::join_all((0..20).map(|_| push())).await;
    assert!(pushed.iter().any(|answer| answer.status == 429), "the service token is counted");
}

#[tokio::test]
async fn without_a_setting_nobody_is_counted() {
    let app = TestApp::start().await;
    let token = app.admin();
    let asked =
        futures_util::future::join_all((0..200).map(|_| app.get("/api/outbound/templates", &token))).await;
    assert!(asked.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_browsers() {
    let app = TestApp::builder().set("PUBLIC_URL", "https://outbound.example.vn").start().await;
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        ("/docs/", 200),
        ("/outbound/sign-in", 200),
        ("/outbound/nothing", 404),
        ("/nothing", 404),
        ("/api/outbound/messages", 401),
    ] {
        let answered = answer(app.request(Method::GET, path)).await;
        assert_eq!(answered.status, status, "{path}");
        let header =
            |name: &str| answered.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(header("permissions-policy").contains("camera=()"), "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(header("referrer-policy").contains("same-origin"), "{path}");
        assert!(header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
}
