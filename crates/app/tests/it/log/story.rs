//! What happens in the story: all that people, N8N, the CRM and an operator do with a server, well and badly.

use std::collections::BTreeMap;

use domain::access::Role;
use embedded_postgres::StopMode;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use test_support::database::{PrivateCluster, TestDatabase};
use test_support::scripted_n8n::{CallbackPlan, HandOff, Reaction, ScriptedN8n};

use super::pages::Visitor;
use super::{COLLECTOR_KEY, NAME, PHONES, PSID, REQUEST, SECRETS, SIGNING, TEXT, WEBHOOK_KEY, WRONG};
use crate::http::answer;
use crate::process::{Process, run, text};
use crate::support::{eventually, settings};

/// What N8N makes of it goes by the number, and its words quote number and text.
fn n8n(hand_off: &HandOff) -> Reaction {
    let to = hand_off.body["to"].as_str().unwrap_or_default();
    let words = format!("{to} từ chối: {TEXT}");
    match to.chars().last() {
        Some('1') => Reaction::status(400).body(words),
        Some('2') => Reaction::accepted().then(CallbackPlan::failed(&words)),
        Some('3') => Reaction::settled(&json!({"status": "FAILED", "error": words, "permanent": true})),
        Some('4') => Reaction::close(),
        // Taken, and never heard of again.
        Some('6') => Reaction::accepted(),
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

    fn by_worker(&self, path: &str) -> RequestBuilder {
        self.server.http.request(Method::POST, path).header("x-worker-secret", SECRETS[1].1)
    }

    fn by_service(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.http.request(method, path).header("x-service-token", SECRETS[3].1)
    }

    async fn run_the_worker(&self) -> Value {
        answer(self.by_worker("/api/worker/outbound").header("x-request-id", REQUEST)).await.expect(200)
    }

    /// People, templates and messages on every channel.
    async fn create(&self) {
        let contacts = json!({"contacts": [
            {"leadId": "lead-1", "fullName": NAME, "phone": PHONES[4], "facebookPsid": PSID, "ownerId": "u1"},
        ]});
        answer(self.by_service(Method::PUT, "/api/outbound/contacts").json(&contacts)).await.expect(200);
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
        let preview = json!({"variables": {"name": NAME}});
        assert_eq!(self.post("/api/outbound/templates/hello/preview", &preview).await, 200);
    }

    /// A job of an AI action that fails, in words that quote its customer; answers its id and its message's.
    async fn have_a_job_fail(&self) -> (String, String) {
        let job = json!({
            "suggestionId": "s1", "actionKey": "a1", "title": NAME, "note": format!("{TEXT} {}", PHONES[3]),
            "channel": "SMS", "to": PHONES[3], "text": format!("{TEXT} của việc"),
        });
        let made = answer(self.request(Method::POST, "/api/outbound/jobs").json(&job)).await.expect(201);
        let id = made["outboundJob"]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/outbound/jobs/{id}");
        let words = format!("{} từ chối: {TEXT}", PHONES[3]);
        for status in ["DISPATCHED", "FAILED"] {
            let update = json!({"status": status, "runId": "run-1", "lastError": words});
            answer(self.by_service(Method::PATCH, &path).json(&update)).await.expect(200);
        }
        let backwards = json!({"status": "NEW", "lastError": words});
        answer(self.by_service(Method::PATCH, &path).json(&backwards)).await.expect(409);
        answer(self.request(Method::GET, &path)).await.expect(200);
        (id, made["outboundMessage"]["id"].as_str().unwrap().to_owned())
    }

    /// N8N takes a batch itself, needs longer, and tells of it.
    async fn pull(&self) {
        let batch = json!({"mode": "pull", "batchSize": 2});
        let pulled = answer(self.by_worker("/api/worker/outbound").json(&batch)).await.expect(200);
        let messages = pulled["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 2, "{pulled}");
        let beat = json!({"leaseId": pulled["leaseId"], "extendSeconds": 60});
        answer(self.by_worker("/api/worker/outbound/heartbeat").json(&beat)).await.expect(200);
        let stranger = json!({"leaseId": WRONG, "extendSeconds": 60});
        answer(self.by_worker("/api/worker/outbound/heartbeat").json(&stranger)).await.expect(400);
        let words = format!("{} từ chối: {TEXT}", messages[0]["to"]);
        let settled = json!([
            {"messageId": messages[0]["messageId"], "status": "FAILED", "error": words},
            {"messageId": messages[1]["messageId"], "status": "SENT", "providerMessageId": PSID},
        ]);
        let callback = self.server.http.request(Method::POST, "/api/outbound/callback");
        answer(callback.header("x-callback-secret", SECRETS[2].1).json(&settled)).await.expect(200);
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
            format!("/{phone}"),
        ] {
            answer(self.request(Method::GET, &path)).await;
        }
    }

    /// A database that says no to what is right: a bug, as far as the server can tell.
    async fn break_a_rule_of_the_database(&self, database: &PrivateCluster) {
        let client = database.connect().await;
        for (table, path) in
            [("outbound_message", "/api/outbound/messages"), ("outbound_template", "/api/outbound/templates")]
        {
            let broken = format!("alter table {table} add constraint broken check (false) not valid");
            client.batch_execute(&broken).await.unwrap();
            let body = match table {
                "outbound_message" => {
                    json!({"channel": "SMS", "to": PHONES[1], "text": TEXT, "allowDuplicate": true})
                }
                _ => json!({"key": "broken", "title": NAME, "channel": "SMS", "body": TEXT}),
            };
            assert_eq!(self.post(path, &body).await, 500, "{path}");
            client.batch_execute(&format!("alter table {table} drop constraint broken")).await.unwrap();
        }
    }
}

/// What the commands of an operator wrote to standard error.
async fn at_a_shell(values: &BTreeMap<String, String>, message: &str) -> String {
    let mut log = String::new();
    for arguments in [
        &["doctor"][..],
        &["config"],
        &["stats"],
        &["explain", message],
        &["explain", PHONES[0]],
        &["requeue", "--search", PHONES[0], "--dry-run"],
        &["cancel", "--search", TEXT, "--dry-run"],
        &["requeue", "--search", PHONES[1]],
        &["cancel", message],
        &["migrate"],
    ] {
        let ended = run(values, arguments).await;
        // What was typed at the shell comes back in what is wrong with it.
        let typed = |line: &&str| !line.contains("invalid value") && !line.contains("no message");
        log.extend(text(&ended.stderr).lines().filter(typed).map(|line| format!("{line}\n")));
    }
    log
}

/// Lives the whole story at the lowest level. Answers the log that the server left, what else was written to standard
/// error, and the credentials that were made on the way.
pub async fn live(format: &str) -> (String, String, Vec<String>) {
    let mut database = TestDatabase::private_cluster().await;
    let scripted = ScriptedN8n::start(n8n).await.unwrap();
    let mut values: BTreeMap<_, _> =
        settings(database.url(), &format!("{}?key={WEBHOOK_KEY}", scripted.url()));
    values.extend(SECRETS.map(|(name, secret)| (name.to_owned(), secret.to_owned())));
    for (name, value) in [
        ("LOG_FORMAT", format),
        ("RUST_LOG", "trace"),
        ("N8N_WEBHOOK_SECRET", SIGNING),
        ("N8N_TIMEOUT_SECONDS", "5"),
        ("CALLBACK_TIMEOUT_SECONDS", "1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:1/{COLLECTOR_KEY}")),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer {COLLECTOR_KEY}")),
    ] {
        values.insert(name.to_owned(), value.to_owned());
    }
    let server = Process::serve(&values).await;
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
    let (job, message) = story.have_a_job_fail().await;
    story.knock_in_vain().await;
    assert!(story.run_the_worker().await["processed"].as_u64().unwrap() > 5);
    scripted.wait_until(|log| log.called_back(200) >= 4, crate::support::PATIENCE).await.unwrap();
    let held = async || {
        let path = "/api/outbound/messages?status=FAILED&pageSize=100";
        let failed = answer(story.request(Method::GET, path)).await.expect(200);
        let is_held = |item: &Value| item["failureKind"] == "HELD";
        failed["items"].as_array().unwrap().iter().any(is_held).then_some(())
    };
    eventually("a wait for a callback is over", held).await;

    let visitor = Visitor::sign_in(&story.server, &story.admin).await;
    visitor.look_around(&message, &job).await;
    let waiting =
        json!({"channel": "SMS", "to": PHONES[4], "text": format!("{TEXT} chờ"), "allowDuplicate": true});
    let made = answer(story.request(Method::POST, "/api/outbound/messages").json(&waiting)).await.expect(201);
    let waiting = made["outboundMessage"]["id"].as_str().unwrap().to_owned();
    visitor.send_forms(&waiting).await;
    visitor.sign_out().await;
    for number in 0..2 {
        let text = format!("{TEXT} để kéo {number}");
        let message = json!({"channel": "SMS", "to": PHONES[4], "text": text, "allowDuplicate": true});
        assert_eq!(story.post("/api/outbound/messages", &message).await, 201);
    }
    story.pull().await;
    story.break_a_rule_of_the_database(&database).await;
    let beside = at_a_shell(&values, &waiting).await;

    // A server that runs the worker by itself.
    let mut by_itself = values.clone();
    by_itself.insert("WORKER_INTERVAL_SECONDS".to_owned(), "1".to_owned());
    let mut second = Process::serve(&by_itself).await;
    let more =
        json!({"channel": "SMS", "to": PHONES[4], "text": format!("{TEXT} tự đi"), "allowDuplicate": true});
    let made = answer(story.request(Method::POST, "/api/outbound/messages").json(&more)).await.expect(201);
    let path = format!("/api/outbound/messages/{}", made["outboundMessage"]["id"].as_str().unwrap());
    eventually("the server's own worker sends", async || {
        let message = answer(story.request(Method::GET, &path)).await.expect(200);
        (message["outboundMessage"]["status"] == "SENT").then_some(())
    })
    .await;
    second.terminate();
    assert_eq!(second.wait().await, Some(0));

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
    let page = format!("/outbound?q={}", PHONES[5]);
    let session = format!("access_token={}", story.admin);
    answer(story.server.http.request(Method::GET, &page).header("cookie", session)).await;
    answer(story.server.http.request(Method::GET, "/metrics")).await;
    database.server.resume().await.unwrap();
    story.server.http.wait_until_ready().await;
    let again = json!({"channel": "SMS", "to": PHONES[5], "text": TEXT, "allowDuplicate": true});
    assert_eq!(story.post("/api/outbound/messages", &again).await, 201);

    story.server.terminate();
    assert_eq!(story.server.wait().await, Some(0));
    let printed = story.server.printed() + &second.printed();
    (story.server.log() + &second.log(), printed + &beside, vec![story.admin.clone()])
}
