//! The log of a whole story: it says what happened and to which message, and never a phone number, a text or a secret.

use std::collections::BTreeMap;

use domain::access::Role;
use embedded_postgres::StopMode;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use test_support::database::TestDatabase;
use test_support::scripted_n8n::{CallbackPlan, HandOff, Reaction, ScriptedN8n};

use crate::http::answer;
use crate::process::Process;
use crate::support::{eventually, settings};

/// The people of the story: national numbers, of which the log must not even hold the last nine digits.
const PHONES: [&str; 6] =
    ["0907111001", "0907111002", "0907111003", "0907111004", "0907111005", "0907111006"];
/// What no line may hold: texts, names and credentials, right and wrong ones.
const SECRETS: [(&str, &str); 5] = [
    ("JWT_SECRET", "jwt-secret-4f1c77a09be2"),
    ("WORKER_SECRET", "worker-secret-5b20c1d7e8f3"),
    ("N8N_CALLBACK_SECRET", "callback-secret-6a91d2c3b4e5"),
    ("SERVICE_TOKEN", "service-token-7c82e3f4a5b6"),
    ("METRICS_TOKEN", "metrics-token-8d73f4a5b6c7"),
];
const SIGNING: &str = "signing-secret-9e64a5b6c7d8";
const WEBHOOK_KEY: &str = "webhook-key-af55b6c7d8e9";
const COLLECTOR_KEY: &str = "collector-key-b046c7d8e9fa";
const WRONG: &str = "guessed-secret-c137d8e9fa0b";
const TEXT: &str = "Nội dung riêng tư";
const NAME: &str = "Nguyễn Thị Kín";
const PSID: &str = "psid-5550001112223";

/// The request whose lines are looked for.
const REQUEST: &str = "request-that-runs-the-worker";

/// What N8N makes of it goes by the number, and its words quote number and text.
fn n8n(hand_off: &HandOff) -> Reaction {
    let to = hand_off.body["to"].as_str().unwrap_or_default();
    let words = format!("{to} từ chối: {TEXT}");
    match to.chars().last() {
        Some('1') => Reaction::status(400).body(words),
        Some('2') => Reaction::accepted().then(CallbackPlan::failed(&words)),
        Some('3') => Reaction::settled(&json!({"status": "FAILED", "error": words, "permanent": true})),
        Some('4') => Reaction::close(),
        _ => Reaction::accepted().then(CallbackPlan::sent()),
    }
}

struct Story {
    server: Process,
    admin: String,
}

impl Story {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.http.request(method, path).bearer_auth(&self.admin)
    }

    async fn post(&self, path: &str, body: &Value) -> u16 {
        answer(self.request(Method::POST, path).json(body)).await.status
    }

    async fn run_the_worker(&self) -> Value {
        let run = self.server.http.request(Method::POST, "/api/worker/outbound");
        let run = run.header("x-worker-secret", SECRETS[1].1).header("x-request-id", REQUEST);
        answer(run).await.expect(200)
    }

    /// People, templates and messages on every channel.
    async fn create(&self) {
        let contacts = json!({"contacts": [
            {"leadId": "lead-1", "fullName": NAME, "phone": PHONES[4], "facebookPsid": PSID, "ownerId": "u1"},
        ]});
        let push = self.server.http.request(Method::PUT, "/api/outbound/contacts");
        answer(push.header("x-service-token", SECRETS[3].1).json(&contacts)).await.expect(200);
        let template = json!({"key": "hello", "title": "Chào", "channel": "SMS", "body": format!("{TEXT} {{{{ name }}}}")});
        assert_eq!(self.post("/api/outbound/templates", &template).await, 201);
        for (index, phone) in PHONES.iter().enumerate() {
            let channel = if index % 2 == 0 { "SMS" } else { "ZALO" };
            let message = json!({"channel": channel, "to": phone, "text": format!("{TEXT} {index}")});
            assert_eq!(self.post("/api/outbound/messages", &message).await, 201);
        }
        for channel in ["FB", "CALL_NOTE", "SMS"] {
            let message = json!({"channel": channel, "leadId": "lead-1", "templateKey": "hello"});
            let status = self.post("/api/outbound/messages?dryRun=true", &message).await;
            assert_eq!(status, 200, "{channel}");
            assert!(matches!(self.post("/api/outbound/messages", &message).await, 200 | 201), "{channel}");
        }
        let recipients: Vec<_> = PHONES.iter().map(|to| json!({"to": to})).collect();
        let bulk =
            json!({"channel": "SMS", "text": format!("{TEXT} cho mọi người"), "recipients": recipients});
        assert_eq!(self.post("/api/outbound/messages/bulk", &bulk).await, 201);
    }

    /// What the server refuses, with everything that it must not repeat.
    async fn knock_in_vain(&self) {
        let http = &self.server.http;
        for (method, path, header) in [
            (Method::POST, "/api/worker/outbound", "x-worker-secret"),
            (Method::POST, "/api/outbound/callback", "x-callback-secret"),
            (Method::PUT, "/api/outbound/contacts", "x-service-token"),
            (Method::GET, "/api/outbound/messages", "authorization"),
            (Method::GET, "/metrics", "authorization"),
        ] {
            let request = http.request(method, path).header("x-forwarded-for", "192.0.2.1");
            let status = answer(request.header(header, format!("Bearer {WRONG}"))).await.status;
            assert!(matches!(status, 401 | 403), "{path}: {status}");
        }
        let forged = format!("{}forged", self.admin);
        assert_eq!(
            answer(http.request(Method::GET, "/api/outbound/messages").bearer_auth(forged)).await.status,
            401
        );
        let phone = PHONES[0];
        for body in [
            format!("{{\"channel\": \"SMS\", \"to\": {phone}, \"text\": \"{TEXT}\"}}"),
            format!("{{\"channel\": \"{TEXT}\", \"to\": \"{phone}x\", \"{phone}\": 1}}"),
            format!("{{\"to\": \"{phone}\", \"text\": \"{TEXT}"),
            format!("[\"{phone}\"]"),
        ] {
            for path in ["/api/outbound/messages", "/api/outbound/messages/bulk", "/api/outbound/jobs"] {
                let status = answer(self.request(Method::POST, path).body(body.clone())).await.status;
                assert_eq!(status, 400, "{path} {body}");
            }
            let callback = http.request(Method::POST, "/api/outbound/callback");
            answer(callback.header("x-callback-secret", SECRETS[2].1).body(body.clone())).await;
        }
        for path in [
            format!("/api/outbound/messages?q={phone}"),
            format!("/api/outbound/messages?status={phone}"),
            format!("/api/outbound/messages/{phone}"),
            format!("/outbound/{phone}?q={TEXT}"),
            format!("/{phone}"),
        ] {
            answer(self.request(Method::GET, &path)).await;
        }
        let form = [("token", self.admin.as_str()), ("token", WRONG)];
        for (name, token) in form {
            let body = format!("{name}={token}&lang=vi");
            let sign_in = http.request(Method::POST, "/outbound/sign-in");
            answer(sign_in.header("content-type", "application/x-www-form-urlencoded").body(body)).await;
        }
    }
}

/// Lives the whole story; the log that it left, and the credentials that were made on the way.
async fn live(format: &str) -> (String, Vec<String>) {
    let mut database = TestDatabase::private_cluster().await;
    let scripted = ScriptedN8n::start(n8n).await.unwrap();
    let mut settings: BTreeMap<_, _> =
        settings(database.url(), &format!("{}?key={WEBHOOK_KEY}", scripted.url()));
    settings.extend(SECRETS.map(|(name, secret)| (name.to_owned(), secret.to_owned())));
    for (name, value) in [
        ("LOG_FORMAT", format),
        ("RUST_LOG", "trace"),
        ("N8N_WEBHOOK_SECRET", SIGNING),
        ("N8N_TIMEOUT_SECONDS", "5"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:1/{COLLECTOR_KEY}")),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer {COLLECTOR_KEY}")),
    ] {
        settings.insert(name.to_owned(), value.to_owned());
    }
    let server = Process::serve(&settings).await;
    let holder = app::token::Holder {
        subject: "u1".to_owned(),
        role: Role::Admin,
        branch: None,
        name: Some(NAME.to_owned()),
    };
    let now = domain::ports::Clock::now(&app::clock::SystemClock);
    let admin = app::token::issue(SECRETS[0].1, &holder, now, chrono::TimeDelta::days(1)).unwrap();
    scripted.call_back_to([server.callback_url()], SECRETS[2].1);
    let mut story = Story { server, admin };

    story.create().await;
    story.knock_in_vain().await;
    assert!(story.run_the_worker().await["processed"].as_u64().unwrap() > 5);
    scripted.wait_until(|log| log.called_back(200) >= 4, crate::support::PATIENCE).await.unwrap();

    // N8N is gone, and then the database.
    scripted.stop().await;
    let failed = json!({"filter": {"status": "FAILED", "q": PHONES[0]}});
    assert_eq!(story.post("/api/outbound/messages/requeue", &failed).await, 200);
    story.run_the_worker().await;
    database.server.halt(StopMode::Immediate).await.unwrap();
    eventually("the server notices", async || {
        (story
            .post("/api/outbound/messages", &json!({"channel": "SMS", "to": PHONES[5], "text": TEXT}))
            .await
            == 503)
            .then_some(())
    })
    .await;
    answer(story.request(Method::GET, &format!("/api/outbound/messages?q={}", PHONES[5]))).await;
    answer(story.server.http.request(Method::GET, "/metrics")).await;
    database.server.resume().await.unwrap();
    story.server.http.wait_until_ready().await;
    let again = json!({"channel": "SMS", "to": PHONES[5], "text": TEXT, "allowDuplicate": true});
    assert_eq!(story.post("/api/outbound/messages", &again).await, 201);

    story.server.terminate();
    assert_eq!(story.server.wait().await, Some(0));
    (story.server.printed() + &story.server.log(), vec![story.admin.clone()])
}

fn assert_discreet(log: &str, tokens: &[String]) {
    let phones = PHONES.iter().map(|phone| phone.trim_start_matches('0'));
    let secrets = SECRETS.iter().map(|(_, secret)| *secret);
    let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next());
    let others = [SIGNING, WEBHOOK_KEY, COLLECTOR_KEY, WRONG, TEXT, NAME, PSID];
    for needle in phones.chain(secrets).chain(signatures).chain(others) {
        for line in log.lines() {
            assert!(!line.contains(needle), "{needle} is in the log: {line}");
        }
    }
    for told in
        ["request", "messages leased", "hand-off answered", "request could not be served now", "stopped"]
    {
        assert!(log.contains(told), "the log does not tell of: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_in_json_names_requests_and_leases_and_never_a_person_a_text_or_a_secret() {
    let (log, tokens) = live("json").await;
    assert_discreet(&log, &tokens);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    let of_run: Vec<_> = lines.iter().filter(|line| line["span"]["request_id"] == REQUEST).collect();
    let leased = of_run.iter().find(|line| line["message"] == "messages leased").unwrap();
    let lease = leased["lease_id"].as_str().unwrap();
    let answered =
        of_run.iter().filter(|line| line["message"] == "hand-off answered" && line["lease_id"] == lease);
    assert!(answered.count() > 5, "each hand-off's line names its lease and its request");
    let request = of_run.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!((&request["status"], &request["path"]), (&json!(200), &json!("/api/worker/outbound")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_as_text_names_requests_and_leases_and_never_a_person_a_text_or_a_secret() {
    let (log, tokens) = live("text").await;
    assert_discreet(&log, &tokens);
    let named = format!("request{{request_id={REQUEST}}}");
    assert!(
        log.lines().any(|line| line.contains(&named)
            && line.contains("messages leased")
            && line.contains("lease_id="))
    );
}
