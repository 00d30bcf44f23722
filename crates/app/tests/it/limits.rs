//! What a client may take of the server: time, connections and requests; and what every answer carries.

use std::time::Duration;

use domain::access::Role;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{Answer, answer};
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

/// Whether the server has ended a connection.
async fn is_cut(connection: &mut TcpStream) -> bool {
    let mut byte = [0];
    loop {
        match connection.try_read(&mut byte) {
            Ok(0) => return true,
            // What it said before it ended it.
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

#[tokio::test]
async fn slow_clients_that_hold_every_connection_are_cut_off_and_only_then_the_next_client_is_served() {
    const HELD: usize = 24;
    const AT_ONCE: usize = 4;
    let most = AT_ONCE.to_string();
    let app =
        TestApp::builder().set("HTTP_REQUEST_SECONDS", "1").set("HTTP_MAX_CONNECTIONS", &most).start().await;
    let mut held = Vec::new();
    for _ in 0..HELD {
        let mut connection = connect(&app).await;
        connection.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
        held.push(connection);
    }
    answer(app.request(Method::GET, "/livez")).await.expect(200);
    let mut cut = 0;
    for connection in &mut held {
        cut += usize::from(is_cut(connection).await);
    }
    // Each worker thread has its share of the connections, and may be one ahead.
    assert!(cut >= HELD / 2, "it was served while {} others were held", HELD - cut);
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
async fn who_opens_pages_too_often_is_told_so_and_the_error_page_names_its_request() {
    let app = TestApp::builder().set("API_RATE_LIMIT_PER_SECOND", "1").start().await;
    let eager = app.token(Role::Manager, "eager", None);
    let open = async || {
        let answer =
            app.request(Method::GET, "/outbound/templates").bearer_auth(&eager).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    };
    let asked = futures_util::future::join_all((0..20).map(|_| open())).await;
    let (_, headers, page) = asked.iter().find(|(status, ..)| *status == 429).expect("one too many");
    assert_eq!(headers["retry-after"], "1");
    assert!(page.contains("Quá nhiều yêu cầu") && !page.contains("Cơ sở dữ liệu"), "{page}");
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(id.len() == 36 && page.contains(id), "{id} {page}");
    assert!(asked.iter().any(|(status, ..)| *status == 200));
}

#[tokio::test]
async fn without_a_setting_nobody_is_counted() {
    let app = TestApp::start().await;
    let token = app.admin();
    let asked =
        futures_util::future::join_all((0..200).map(|_| app.get("/api/outbound/templates", &token))).await;
    assert!(asked.iter().all(|answer| answer.status == 200));
}

fn assert_protected(answered: &Answer, what: &str) {
    let header = |name: &str| answered.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("x-frame-options"), "DENY", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert!(header("permissions-policy").contains("camera=()"), "{what}");
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{what}");
    assert!(header("referrer-policy").contains("same-origin"), "{what}");
    assert!(header("strict-transport-security").starts_with("max-age="), "{what}");
    assert!(!header("x-request-id").is_empty(), "{what}");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_browsers() {
    let app = TestApp::builder().set("PUBLIC_URL", "https://outbound.example.vn").start().await;
    let client = app.database.connect().await;
    let broken =
        "alter table outbound_audit add constraint broken check (action <> 'messages.cancel') not valid";
    client.batch_execute(broken).await.unwrap();
    let cancel = format!("/api/outbound/messages/{}/cancel", app.create(sms(1)).await);
    let sign_in = app.request(Method::GET, "/outbound/sign-in").send().await.unwrap().text().await.unwrap();
    let style = sign_in.split('"').find(|text| text.ends_with("/app.css")).unwrap();
    let script = style.replace("app.css", "app.js");
    let plain = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let large = vec![b' '; 20 * 1024 * 1024];
    for (method, path, body, status) in [
        (&get, "/livez", None, 200),
        (&get, "/readyz", None, 200),
        (&get, "/metrics", None, 200),
        (&get, "/openapi.json", None, 200),
        (&get, "/docs/", None, 200),
        (&get, "/docs/swagger-ui.css", None, 200),
        (&get, "/outbound/sign-in", None, 200),
        (&get, style, None, 200),
        (&get, &script, None, 200),
        (&get, "/", None, 303),
        (&get, "/outbound", None, 303),
        (&get, "/outbound/nothing", None, 404),
        (&get, "/nothing", None, 404),
        (&get, "/outbound/assets/0/nothing.css", None, 404),
        (&delete, "/api/outbound/messages", None, 405),
        (&post, "/api/outbound/messages", Some(sms(2).to_string().into_bytes()), 201),
        (&post, "/api/outbound/messages", Some(b"{".to_vec()), 400),
        (&post, "/api/outbound/messages", Some(large), 413),
        (&post, &cancel, Some(b"{}".to_vec()), 500),
        (&post, "/outbound/sign-in", Some(b"token=x".to_vec()), 403),
    ] {
        let mut request = plain.request(method.clone(), format!("{}{path}", app.url));
        if path.starts_with("/api") {
            request = request.bearer_auth(app.admin());
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answered = answer(request).await;
        assert_eq!(answered.status, status, "{method} {path}: {}", answered.body);
        assert_protected(&answered, &format!("{method} {path} {status}"));
    }
    let unknown = answer(app.request(Method::GET, "/api/outbound/messages")).await;
    assert_eq!(unknown.status, 401);
    assert_protected(&unknown, "without a token");
    let guess = || app.request(Method::POST, "/api/worker/outbound").header("x-worker-secret", "wrong");
    let mut guessed = answer(guess()).await;
    while guessed.status == 403 {
        assert_protected(&guessed, "a wrong secret");
        guessed = answer(guess()).await;
    }
    assert_eq!(guessed.status, 429);
    assert_protected(&guessed, "one wrong secret too many");
}

#[tokio::test]
async fn what_is_no_request_is_answered_without_a_word_about_the_server() {
    let app = TestApp::start().await;
    let mut connection = connect(&app).await;
    connection.write_all(b"\x16\x03\x01 nonsense\r\n\r\n").await.unwrap();
    let mut answered = String::new();
    connection.read_to_string(&mut answered).await.unwrap();
    let (head, body) = answered.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 ") && body.is_empty(), "{answered}");
    assert!(
        !head.to_lowercase().contains("server:") && !head.to_lowercase().contains("content-type"),
        "{answered}"
    );
}

#[tokio::test]
async fn behind_a_proxy_the_metrics_ask_this_machine_for_the_token_too() {
    let app = TestApp::builder()
        .set("PUBLIC_URL", "https://outbound.example.vn")
        .set("METRICS_TOKEN", "the-tests-own-metrics-token")
        .start()
        .await;
    answer(app.request(Method::GET, "/metrics")).await.expect(403);
    let with = app.request(Method::GET, "/metrics").bearer_auth("the-tests-own-metrics-token");
    assert_eq!(answer(with).await.status, 200);
}
