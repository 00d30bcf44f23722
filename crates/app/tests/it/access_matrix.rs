//! Who may do what: every endpoint against every credential (contract §9 and §10).

mod scope;

use std::collections::BTreeSet;

use app::clock::SystemClock;
use domain::access::Role;
use domain::ports::Clock as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::http::{Answer, answer};
use crate::support::{CALLBACK_SECRET, JWT_SECRET, SERVICE_TOKEN, TestApp, WORKER_SECRET};

/// What each credential comes to at each endpoint. What is acted on belongs to `u1` in the branch `b1`.
///
/// Columns: no credential, an expired and a refresh token; a viewer of `b1`, the telesales `u1` and another one of
/// `b1`, the managers of `b1` and `b2`, a page's clerk, an admin; the secrets of worker and callback and the service
/// token, each right and (`!`) wrong.
/// Cells: the status where it succeeds; otherwise a letter of [`refusal`].
const TABLE: &str = "
METHOD PATH                                  non exp ref vwr own oth mgr mg2 pag adm wrk wr! cbk cb! svc sv!
GET    /api/outbound/messages                B   T   T   F   200 200 200 200 200 200 B   B   B   B   B   B
POST   /api/outbound/messages                B   T   T   F   201 F   201 F   201 201 B   B   B   B   B   B
POST   /api/outbound/messages/bulk           B   T   T   F   201 F   201 F   201 201 B   B   B   B   B   B
POST   /api/outbound/messages/cancel         B   T   T   F   200 200 200 200 F   200 B   B   B   B   B   B
POST   /api/outbound/messages/requeue        B   T   T   F   200 200 200 200 F   200 B   B   B   B   B   B
GET    /api/outbound/messages/{id}           B   T   T   F   200 N   200 N   200 200 B   B   B   B   B   B
POST   /api/outbound/messages/{id}/cancel    B   T   T   F   200 N   200 N   F   200 B   B   B   B   B   B
POST   /api/outbound/messages/{id}/requeue   B   T   T   F   200 N   200 N   F   200 B   B   B   B   B   B
POST   /api/outbound/dispatch                B   T   T   F   200 200 200 200 F   200 B   B   B   B   B   B
GET    /api/outbound/jobs                    B   T   T   200 200 200 200 200 200 200 B   B   B   B   200 W
POST   /api/outbound/jobs                    B   T   T   F   201 F   201 F   201 201 B   B   B   B   B   B
GET    /api/outbound/jobs/{id}               B   T   T   200 200 N   200 N   200 200 B   B   B   B   200 W
PATCH  /api/outbound/jobs/{id}               S   S   S   S   S   S   S   S   S   S   S   S   200 F   200 W
GET    /api/outbound/templates               B   T   T   F   200 200 200 200 200 200 B   B   B   B   B   B
GET    /api/templates                        B   T   T   F   200 200 200 200 200 200 B   B   B   B   B   B
POST   /api/outbound/templates               B   T   T   F   F   F   201 201 F   201 B   B   B   B   B   B
PUT    /api/outbound/templates/{key}         B   T   T   F   F   F   200 200 F   200 B   B   B   B   B   B
DELETE /api/outbound/templates/{key}         B   T   T   F   F   F   204 204 F   204 B   B   B   B   B   B
POST   /api/outbound/templates/{key}/preview B   T   T   F   200 F   200 F   200 200 B   B   B   B   B   B
PUT    /api/outbound/contacts                S   S   S   S   S   S   S   S   S   S   S   S   S   S   200 W
GET    /api/outbound/stats                   B   T   T   F   200 200 200 200 200 200 B   B   B   B   B   B
GET    /api/outbound/audit                   B   T   T   F   F   F   F   F   F   200 B   B   B   B   B   B
POST   /api/worker/outbound                  F   F   F   F   F   F   F   F   F   F   200 F   F   F   F   F
POST   /api/worker/outbound/heartbeat        F   F   F   F   F   F   F   F   F   F   200 F   F   F   F   F
POST   /api/outbound/callback                F   F   F   F   F   F   F   F   F   F   F   F   200 F   F   F
GET    /livez                                200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
HEAD   /livez                                200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /readyz                               200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
HEAD   /readyz                               200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /openapi.json                         200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /docs                                 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
";

/// Endpoints that the document does not have: it does not describe itself.
const BESIDE_THE_DOCUMENT: [(&str, &str); 2] = [("GET", "/openapi.json"), ("GET", "/docs")];

/// What a letter of the table stands for.
fn refusal(letter: &str) -> (u16, &'static str) {
    match letter {
        "B" => (401, "AUTH_MISSING_BEARER"),
        "T" => (401, "AUTH_INVALID_TOKEN"),
        "S" => (401, "AUTH_MISSING_SERVICE_TOKEN"),
        "W" => (401, "AUTH_INVALID_SERVICE_TOKEN"),
        "F" => (403, "AUTH_FORBIDDEN"),
        "N" => (404, "NOT_FOUND"),
        _ => (letter.parse().unwrap(), ""),
    }
}

/// One endpoint of the table, with what each credential comes to.
struct Row {
    method: &'static str,
    path: &'static str,
    cells: Vec<(&'static str, &'static str)>,
}

fn rows() -> Vec<Row> {
    let mut lines = TABLE.trim().lines().map(str::split_whitespace);
    let columns: Vec<_> = lines.next().unwrap().skip(2).collect();
    let row = |mut words: std::str::SplitWhitespace<'static>| {
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let cells: Vec<_> = columns.iter().copied().zip(words).collect();
        assert_eq!(cells.len(), columns.len(), "{method} {path}");
        Row { method, path, cells }
    };
    lines.map(row).collect()
}

/// A token with these claims, whatever they are.
fn signed(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(JWT_SECRET.as_bytes())).unwrap()
}

/// Seconds from now, as a token's `exp`.
fn seconds_from_now(seconds: i64) -> i64 {
    SystemClock.now().timestamp() + seconds
}

fn with_credential(app: &TestApp, column: &str, request: RequestBuilder) -> RequestBuilder {
    let user = |role, subject, branch| app.token(role, subject, branch);
    let token = match column {
        "exp" => signed(&json!({"sub": "admin", "role": "admin", "exp": seconds_from_now(-3_600)})),
        "ref" => signed(
            &json!({"sub": "admin", "role": "admin", "type": "refresh", "exp": seconds_from_now(3_600)}),
        ),
        "vwr" => user(Role::Viewer, "u9", Some("b1")),
        "own" => user(Role::Telesales, "u1", Some("b1")),
        "oth" => user(Role::Telesales, "u2", Some("b1")),
        "mgr" => user(Role::Manager, "m1", Some("b1")),
        "mg2" => user(Role::Manager, "m2", Some("b2")),
        "pag" => user(Role::DirectPage, "p1", None),
        "adm" => app.admin(),
        "non" => return request,
        "wrk" => return request.header("x-worker-secret", WORKER_SECRET),
        "wr!" => return request.header("x-worker-secret", "wrong"),
        "cbk" => return request.header("x-callback-secret", CALLBACK_SECRET),
        "cb!" => return request.header("x-callback-secret", "wrong"),
        "svc" => return request.header("x-service-token", SERVICE_TOKEN),
        "sv!" => return request.header("x-service-token", "wrong"),
        _ => panic!("no such credential: {column}"),
    };
    request.bearer_auth(token)
}

/// Makes what a request acts on, anew for each.
struct World<'a> {
    app: &'a TestApp,
    made: u32,
}

impl World<'_> {
    /// A message of `u1` in `b1`.
    fn message(&mut self) -> Value {
        self.made += 1;
        let text = format!("Chào bạn, tin số {}", self.made);
        json!({"channel": "SMS", "to": "0901234567", "text": text, "ownerId": "u1", "branchId": "b1"})
    }

    async fn queued(&mut self) -> String {
        let body = self.message();
        self.app.create(body).await
    }

    async fn cancelled(&mut self) -> String {
        let id = self.queued().await;
        let path = format!("/api/outbound/messages/{id}/cancel");
        self.app.post(&path, &self.app.admin(), &json!({})).await.expect(200);
        id
    }

    /// One that waits for its callback: message and lease.
    async fn pulled(&mut self) -> (String, String) {
        self.queued().await;
        let report = self.app.run_worker(json!({"mode": "pull", "batchSize": 1})).await;
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        (word(&report["messages"][0]["messageId"]), word(&report["leaseId"]))
    }

    fn template(&mut self) -> Value {
        self.made += 1;
        let key = format!("t{}", self.made);
        json!({"key": key, "title": "Lời chào", "channel": "SMS", "body": "Chào {{ name }}"})
    }

    /// The path and the body of a request to an endpoint.
    async fn request(&mut self, method: &str, template: &str) -> (String, Value) {
        let app = self.app;
        let with_id = |id: &str| template.replace("{id}", id);
        let path = template.to_owned();
        match (method, template) {
            ("POST", "/api/outbound/messages" | "/api/outbound/jobs") => (path, self.message()),
            ("POST", "/api/outbound/messages/bulk") => {
                let mut body = self.message();
                let to = body.as_object_mut().unwrap().remove("to").unwrap();
                body["recipients"] = json!([{"to": to}]);
                (path, body)
            }
            ("POST", "/api/outbound/messages/cancel") => (path, json!({"ids": [self.queued().await]})),
            ("POST", "/api/outbound/messages/requeue") => (path, json!({"ids": [self.cancelled().await]})),
            ("POST", "/api/outbound/messages/{id}/requeue") => (with_id(&self.cancelled().await), json!({})),
            (_, "/api/outbound/messages/{id}" | "/api/outbound/messages/{id}/cancel") => {
                (with_id(&self.queued().await), json!({}))
            }
            (_, "/api/outbound/jobs/{id}") => {
                let body = self.message();
                let job = app.post("/api/outbound/jobs", &app.admin(), &body).await.expect(201);
                (with_id(job["outboundJob"]["id"].as_str().unwrap()), json!({"status": "DISPATCHED"}))
            }
            ("POST", "/api/outbound/templates") => (path, self.template()),
            (_, "/api/outbound/templates/{key}" | "/api/outbound/templates/{key}/preview") => {
                let template = self.template();
                app.post("/api/outbound/templates", &app.admin(), &template).await.expect(201);
                let path = path.replace("{key}", template["key"].as_str().unwrap());
                // For the lead `l1`, who is u1's.
                (path, if method == "PUT" { template } else { json!({"leadId": "l1"}) })
            }
            ("PUT", "/api/outbound/contacts") => (path, json!({"contacts": [{"leadId": "l2"}]})),
            ("POST", "/api/worker/outbound/heartbeat") => {
                let (_, lease) = self.pulled().await;
                (path, json!({"leaseId": lease, "extendSeconds": 60}))
            }
            ("POST", "/api/outbound/callback") => {
                let (message, _) = self.pulled().await;
                (path, json!({"messageId": message, "status": "SENT"}))
            }
            _ => (path, json!({})),
        }
    }
}

async fn push_contact(app: &TestApp, contact: &Value) {
    let request = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    let pushed = answer(request.json(&json!({"contacts": [contact]}))).await.expect(200);
    assert_eq!(pushed["upserted"], 1, "{pushed}");
}

fn outcome(method: &str, answer: &Answer) -> (u16, String) {
    // An answer to HEAD has no body.
    let code = answer.body["error"]["code"].as_str().unwrap_or_default();
    assert!(method == "HEAD" || answer.status < 400 || answer.body["ok"] == false, "{}", answer.body);
    (answer.status, code.to_owned())
}

#[tokio::test]
async fn every_endpoint_answers_every_credential_as_the_table_says() {
    let app = TestApp::start().await;
    push_contact(
        &app,
        &json!({"leadId": "l1", "fullName": "Lan", "phone": "0907654321", "ownerId": "u1", "branchId": "b1"}),
    )
    .await;
    let mut world = World { app: &app, made: 0 };
    let mut wrong = Vec::new();
    for Row { method, path: template, cells } in rows() {
        for (column, cell) in cells {
            let (path, body) = world.request(method, template).await;
            let mut request = app.request(method.parse().unwrap(), &path);
            if !["GET", "HEAD", "DELETE"].contains(&method) {
                request = request.json(&body);
            }
            let answered = answer(with_credential(&app, column, request)).await;
            assert!(answered.headers.contains_key("x-request-id"), "{method} {path}");
            let (status, code) = refusal(cell);
            if outcome(method, &answered) != (status, code.to_owned()) {
                wrong.push(format!("{method} {template} {column}: {} {}", answered.status, answered.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_operation_of_the_document_is_in_the_table() {
    let app = TestApp::start().await;
    let document = answer(app.request(Method::GET, "/openapi.json")).await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    // Who may read the metrics is a rule of its own: see `metrics.rs`.
    let documented = paths.iter().filter(|(path, _)| *path != "/metrics").flat_map(|(path, operations)| {
        let methods = operations.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    let beside = BESIDE_THE_DOCUMENT.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let documented: BTreeSet<_> = documented.chain(beside).collect();
    let tabled: BTreeSet<_> = rows().iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    assert_eq!(documented, tabled);
}

#[tokio::test]
async fn a_token_counts_by_its_claims_and_401_and_403_tell_apart() {
    let app = TestApp::start().await;
    let soon = seconds_from_now(3_600);
    let claims = |role: Value| json!({"sub": "u1", "role": role, "exp": soon});
    let table = [
        ("capitals", claims(json!("ADMIN")), 200),
        ("no role", json!({"sub": "u1", "exp": soon}), 403),
        ("a role that is null", claims(Value::Null), 403),
        ("a role that is a number", claims(json!(7)), 403),
        ("an unknown role", claims(json!("root")), 403),
        ("no exp", json!({"sub": "u1", "role": "admin"}), 401),
        ("exp as text", json!({"sub": "u1", "role": "admin", "exp": "2099-01-01"}), 401),
        ("not valid yet", json!({"sub": "u1", "role": "admin", "exp": soon, "nbf": soon}), 401),
        ("no sub", json!({"role": "admin", "exp": soon}), 401),
        ("NUL in sub", json!({"sub": "a\u{0}b", "role": "admin", "exp": soon}), 401),
        ("a refresh token", json!({"sub": "u1", "role": "admin", "exp": soon, "type": "REFRESH"}), 401),
    ];
    for (name, claims, status) in table {
        let answered = app.get("/api/outbound/messages", &signed(&claims)).await;
        assert_eq!(answered.status, status, "{name}: {}", answered.body);
        // Without a role there is still what a viewer sees.
        let jobs = app.get("/api/outbound/jobs", &signed(&claims)).await;
        assert_eq!(jobs.status == 200, status != 401, "{name}: {}", jobs.body);
    }
    let admin = claims(json!("admin"));
    let key = EncodingKey::from_secret(b"another secret");
    let other_key = encode(&Header::new(Algorithm::HS256), &admin, &key).unwrap();
    let same_key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    let other_algorithm = encode(&Header::new(Algorithm::HS512), &admin, &same_key).unwrap();
    // {"alg":"none","typ":"JWT"} and the claims of a good token, without a signature.
    let good = signed(&admin);
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", good.split('.').nth(1).unwrap());
    for (name, token) in
        [("another key", other_key), ("HS512", other_algorithm), ("alg none", none), ("no token", "x".into())]
    {
        let refused = app.get("/api/outbound/messages", &token).await.expect(401);
        assert_eq!(refused["error"]["code"], "AUTH_INVALID_TOKEN", "{name}");
    }
}
