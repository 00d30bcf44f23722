//! `Idempotency-Key`: a request that comes twice is done once, whatever happens in between (contract §10).

mod killed;

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::access::Role;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::scripted_n8n::{CallbackPlan, Reaction};

use crate::duplicates::meeting;
use crate::http::{Answer, Http, answer, try_answer};
use crate::process::Process;
use crate::support::{CALLBACK_SECRET, PATIENCE, SERVICE_TOKEN, TestApp, settings, sms};

const MESSAGES: &str = "/api/outbound/messages";

/// Who asks: a header and its value.
type Credential = (&'static str, String);

/// A request that is sent with a key.
struct Case {
    name: &'static str,
    /// Its own: several go to one path.
    key: String,
    method: Method,
    path: String,
    body: Value,
    by: Credential,
    /// Somebody else who may ask for the same.
    other: Credential,
}

fn bearer(http: &Http, subject: &str) -> Credential {
    ("authorization", format!("Bearer {}", http.token(Role::Admin, subject, None)))
}

impl Case {
    async fn send_as(&self, http: &Http, by: &Credential, body: &Value) -> Answer {
        let request = http.request(self.method.clone(), &self.path).header(by.0, &by.1);
        answer(request.header("idempotency-key", &self.key).json(body)).await
    }

    async fn send(&self, http: &Http) -> Answer {
        self.send_as(http, &self.by, &self.body).await
    }
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[track_caller]
fn assert_conflict(answer: &Answer, what: &str) {
    let code = &answer.body["error"]["code"];
    assert_eq!((answer.status, code), (409, &json!("IDEMPOTENCY_CONFLICT")), "{what}: {}", answer.body);
}

/// One request of each kind that takes a key. The dispatch comes last: it sends what the others are about.
async fn cases(app: &TestApp) -> Vec<Case> {
    let admin = app.admin();
    let mut cases = Vec::new();
    let mut case = |name, method, path: &str, body| {
        let (by, other) = (bearer(app, "admin"), bearer(app, "another-admin"));
        let key = format!("k{}", cases.len());
        cases.push(Case { name, key, method, path: path.to_owned(), body, by, other });
    };
    let post = Method::POST;
    case("create", post.clone(), MESSAGES, sms(1));
    let bulk = json!({"channel": "SMS", "text": "Chào cả lớp", "recipients": [{"to": "0901234561"}, {"to": "0901234562"}]});
    case("bulk", post.clone(), "/api/outbound/messages/bulk", bulk);
    for (n, by_what) in (0..).zip(["one", "ids", "filter"]) {
        let to_cancel = app.create(sms(10 + n)).await;
        let to_requeue = app.create(sms(20 + n)).await;
        let cancel = format!("{MESSAGES}/{to_requeue}/cancel");
        app.post(&cancel, &admin, &json!({})).await.expect(200);
        for (act, id, number) in [("cancel", to_cancel, 10 + n), ("requeue", to_requeue, 20 + n)] {
            let (path, body) = match by_what {
                "one" => (format!("{MESSAGES}/{id}/{act}"), json!({})),
                "ids" => (format!("{MESSAGES}/{act}"), json!({"ids": [id]})),
                _ => (format!("{MESSAGES}/{act}"), json!({"filter": {"q": format!("tin số {number}")}})),
            };
            case(act, post.clone(), &path, body);
        }
    }
    let job = json!({"channel": "SMS", "to": "0901234563", "text": "Nhắc học phí", "title": "Nhắc học phí"});
    case("job", post.clone(), "/api/outbound/jobs", job.clone());
    let template = json!({"key": "hello", "title": "Lời chào", "channel": "SMS", "body": "Chào {{ name }}"});
    case("template", post.clone(), "/api/outbound/templates", template);
    for number in 30..33 {
        app.create(sms(number)).await;
    }
    let existing = app.post("/api/outbound/jobs", &admin, &job).await.expect(201);
    let path = format!("/api/outbound/jobs/{}", existing["outboundJob"]["id"].as_str().unwrap());
    case("dispatch", post, "/api/outbound/dispatch", json!({"limit": 1}));
    let dispatch = cases.pop().unwrap();
    cases.push(Case {
        name: "move a job",
        key: "k1".to_owned(),
        method: Method::PATCH,
        path,
        body: json!({"status": "DISPATCHED", "runId": "r1"}),
        by: ("x-service-token", SERVICE_TOKEN.to_owned()),
        other: ("x-callback-secret", CALLBACK_SECRET.to_owned()),
    });
    cases.push(dispatch);
    cases
}

/// All that requests leave behind: rows and hand-offs.
async fn traces(app: &TestApp) -> usize {
    let mut count = app.n8n.log().hand_offs.len();
    let client = app.database.connect().await;
    for table in
        ["outbound_message", "outbound_event", "outbound_job", "outbound_job_event", "outbound_template"]
    {
        let row = client.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap();
        count += usize::try_from(row.get::<_, i64>(0)).unwrap();
    }
    count
}

/// N8N settles in its answer, so that nothing comes later.
fn settled() -> Reaction {
    Reaction::settled(&json!({"status": "SENT"}))
}

#[tokio::test]
async fn every_kind_of_request_is_done_once_for_a_key_and_its_answer_is_given_again() {
    let app = TestApp::builder().script(|_| settled()).start().await;
    let second_server = TestApp::builder().beside(&app).start().await;
    for case in cases(&app).await {
        let (name, before) = (case.name, traces(&app).await);
        let first = case.send(&app).await;
        assert!(first.status < 300 && !is_replayed(&first), "{name}: {} {}", first.status, first.body);
        let after = traces(&app).await;
        assert!(after > before, "{name} left no trace");
        for http in [&app.http, &second_server.http] {
            let again = case.send(http).await;
            assert!(is_replayed(&again), "{name}: {}", again.body);
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{name}");
            assert_eq!(again.headers.get("location"), first.headers.get("location"), "{name}");
        }
        assert_eq!(traces(&app).await, after, "{name} was done again");

        let mut body = case.body.clone();
        body["another"] = json!(1);
        // A body that is wrong in itself is refused for that.
        assert_eq!(case.send_as(&app, &case.by, &body).await.status, 400, "{name}");
        let other = case.send_as(&app, &case.other, &case.body).await;
        assert!(!is_replayed(&other), "{name}: another's answer");
        assert_ne!(other.body["error"]["code"], "IDEMPOTENCY_CONFLICT", "{name}: another's key");
    }
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_conflict_and_another_path_or_actor_is_not() {
    let app = TestApp::start().await;
    let case = |path: &str, body: Value| Case {
        name: "",
        key: "k1".to_owned(),
        method: Method::POST,
        path: path.to_owned(),
        body,
        by: bearer(&app, "admin"),
        other: bearer(&app, "another-admin"),
    };
    let first = case(MESSAGES, sms(1));
    let made = first.send(&app).await.expect(201);
    for other in [sms(2), json!({"channel": "SMS", "to": "0900000001", "text": "khác"})] {
        assert_conflict(&first.send_as(&app, &first.by, &other).await, "another body");
    }
    assert_eq!(case("/api/outbound/jobs", sms(3)).send(&app).await.status, 201);
    assert_eq!(first.send_as(&app, &first.other, &sms(4)).await.status, 201);
    let again = first.send(&app).await.expect(201);
    assert_eq!(again, made, "the first answer stays");
    let (one, other) = (app.create(sms(5)).await, app.create(sms(6)).await);
    for id in [one, other] {
        let cancel = case(&format!("{MESSAGES}/{id}/cancel"), json!({}));
        assert_eq!(cancel.send(&app).await.status, 200, "a path of its own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_with_one_key_run_once_and_the_others_wait_or_are_told_so() {
    let app = TestApp::builder().script(|_| settled()).start().await;
    let second = TestApp::builder().beside(&app).start().await;
    for case in cases(&app).await {
        let (name, before) = (case.name, traces(&app).await);
        let requests = join_all((0..8).map(|n| {
            let http = if n % 2 == 0 { &app.http } else { &second.http };
            case.send(http)
        }));
        let answers = match name {
            "create" | "bulk" | "job" => meeting(&app, 8, requests).await,
            _ => requests.await,
        };
        let (done, told): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status < 300);
        told.iter().for_each(|answer| {
            assert_conflict(answer, name);
            assert!(answer.headers.contains_key("retry-after"), "{name}");
        });
        assert_eq!(done.iter().filter(|answer| !is_replayed(answer)).count(), 1, "{name} ran once");
        assert_eq!(done.iter().map(|answer| answer.body.to_string()).collect::<HashSet<_>>().len(), 1);
        let after = traces(&app).await;
        assert!(after > before, "{name}");
        let again = case.send(&app).await;
        assert!(is_replayed(&again) && again.body == done[0].body, "{name}: {}", again.body);
        assert_eq!(traces(&app).await, after, "{name}");
    }
    let client = app.database.connect().await;
    let twice = "select count(*) from (select 1 from outbound_message group by body, recipient having count(*) > 1) t";
    // The job's text alone is there twice: once of a job that was there before.
    assert_eq!(client.query_one(twice, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn while_a_dispatch_is_under_way_its_key_is_taken_and_afterwards_its_answer_is_given() {
    let app = TestApp::builder().script(|_| settled()).start().await;
    app.create(sms(1)).await;
    app.create(sms(2)).await;
    let dispatch = Case {
        name: "dispatch",
        key: "k1".to_owned(),
        method: Method::POST,
        path: "/api/outbound/dispatch".to_owned(),
        body: json!({"limit": 1}),
        by: bearer(&app, "admin"),
        other: bearer(&app, "another-admin"),
    };
    app.n8n.pause_answers();
    let (first, ()) = tokio::join!(dispatch.send(&app), async {
        app.n8n.wait_until(|log| log.hand_offs.len() == 1, PATIENCE).await.unwrap();
        let second = dispatch.send(&app).await;
        assert_conflict(&second, "under way");
        assert!(second.headers.contains_key("retry-after"));
        let other_body = dispatch.send_as(&app, &dispatch.by, &json!({"limit": 2})).await;
        assert_conflict(&other_body, "another body");
        app.n8n.resume_answers();
    });
    let third = dispatch.send(&app).await;
    assert_eq!((first.status, &first.body["accepted"]), (200, &json!(1)), "{}", first.body);
    assert!(is_replayed(&third) && third.body == first.body, "{}", third.body);
    assert_eq!(app.n8n.log().hand_offs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispatch_whose_server_died_is_not_run_again_at_once_and_its_hand_off_repeats_with_the_same_key_alone()
 {
    let app = TestApp::builder().script(|_| settled()).start().await;
    let id = app.create(sms(1)).await;
    let mut dying = Process::serve(&settings(app.database.url(), &app.n8n.url())).await;
    let http = dying.http.clone();
    let (by, key) = (bearer(&app, "admin"), "k1".to_owned());
    let (method, path) = (Method::POST, "/api/outbound/dispatch".to_owned());
    let dispatch =
        Case { name: "dispatch", key, method, path, body: json!({"limit": 1}), other: by.clone(), by };
    app.n8n.pause_answers();
    let request = http.request(Method::POST, &dispatch.path).header(dispatch.by.0, &dispatch.by.1);
    let request = request.header("idempotency-key", &dispatch.key).json(&dispatch.body);
    let (unanswered, ()) = tokio::join!(try_answer(request), async {
        app.n8n.wait_until(|log| log.hand_offs.len() == 1, PATIENCE).await.unwrap();
        dying.kill();
    });
    assert!(unanswered.is_none());
    app.n8n.resume_answers();
    assert_conflict(&dispatch.send(&app).await, "nobody knows what it has done");
    app.clock.advance(TimeDelta::minutes(9));
    assert_conflict(&dispatch.send(&app).await, "it may still be at work");
    app.clock.advance(TimeDelta::minutes(2));
    let again = dispatch.send(&app).await;
    assert!(!is_replayed(&again));
    assert_eq!(again.expect(200)["accepted"], 1);
    let keys: Vec<_> = app.n8n.log().of(&id).iter().map(|one| one.idempotency_key.clone()).collect();
    assert_eq!(keys, [format!("{id}:1"), format!("{id}:1")], "N8N drops the repeat");
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "SENT");
}

#[tokio::test]
async fn a_request_that_was_refused_frees_its_key() {
    let app = TestApp::start().await;
    let case = |method, path: String, by: Credential| Case {
        name: "",
        key: "k1".to_owned(),
        method,
        path,
        body: Value::Null,
        other: by.clone(),
        by,
    };
    let admin = bearer(&app, "admin");
    let send = async |case: &Case, body: Value| case.send_as(&app, &case.by, &body).await;

    let create = case(Method::POST, MESSAGES.to_owned(), admin.clone());
    send(&create, json!({"channel": "SMS", "to": "123", "text": "Chào"})).await.expect(400);
    send(&create, json!({"channel": "SMS", "leadId": "nobody", "text": "Chào"})).await.expect(404);
    send(&create, sms(1)).await.expect(201);

    let template = |key: &str| json!({"key": key, "title": "x", "channel": "SMS", "body": "Chào"});
    let templates = case(Method::POST, "/api/outbound/templates".to_owned(), admin.clone());
    app.post("/api/outbound/templates", &app.admin(), &template("taken")).await.expect(201);
    let taken = send(&templates, template("taken")).await.expect(409);
    assert_eq!(taken["error"]["code"], "CONFLICT");
    send(&templates, template("free")).await.expect(201);

    let id = app.create(sms(2)).await;
    let requeue = case(Method::POST, format!("{MESSAGES}/{id}/requeue"), admin.clone());
    send(&requeue, json!({})).await.expect(409);
    app.post(&format!("{MESSAGES}/{id}/cancel"), &app.admin(), &json!({})).await.expect(200);
    let requeued = send(&requeue, json!({})).await;
    assert!(!is_replayed(&requeued));
    assert_eq!(requeued.expect(200)["outboundMessage"]["status"], "QUEUED");

    let job = app.post("/api/outbound/jobs", &app.admin(), &sms(3)).await.expect(201);
    let job = format!("/api/outbound/jobs/{}", job["outboundJob"]["id"].as_str().unwrap());
    let patch = case(Method::PATCH, job, ("x-service-token", SERVICE_TOKEN.to_owned()));
    send(&patch, json!({"status": "DONE"})).await.expect(409);
    send(&patch, json!({"status": "DISPATCHED"})).await.expect(200);

    let dispatch = case(Method::POST, "/api/outbound/dispatch".to_owned(), admin);
    send(&dispatch, json!({"limit": 0})).await.expect(400);
    send(&dispatch, json!({"limit": 1})).await.expect(200);
}

#[tokio::test]
async fn a_key_is_kept_for_72_hours_and_then_forgotten() {
    let app = TestApp::builder().script(|_| settled()).start().await;
    app.clock.stand_still_at("2027-01-04T05:00:00Z".parse().unwrap());
    for case in
        cases(&app).await.into_iter().filter(|case| ["create", "job", "dispatch"].contains(&case.name))
    {
        app.create(sms(100)).await;
        let first = case.send(&app).await;
        assert!(first.status < 300, "{}: {}", case.name, first.body);
        app.clock.advance(TimeDelta::hours(72) - TimeDelta::seconds(1));
        let kept = case.send(&app).await;
        assert!(is_replayed(&kept) && kept.body == first.body, "{}: {}", case.name, kept.body);
        app.clock.advance(TimeDelta::seconds(1));
        // The duplicates' day is over too.
        let anew = case.send(&app).await;
        assert!(!is_replayed(&anew), "{}", case.name);
        assert_eq!(anew.status, first.status, "{}: {}", case.name, anew.body);
        assert_ne!(anew.body, first.body, "{}", case.name);
        let kept_again = case.send(&app).await;
        assert!(is_replayed(&kept_again) && kept_again.body == anew.body, "{}", case.name);
    }
}

#[tokio::test]
async fn callbacks_and_worker_runs_take_no_key() {
    let app = TestApp::builder().script(|_| Reaction::accepted().then(CallbackPlan::sent())).start().await;
    for number in 0..2 {
        app.create(sms(number)).await;
        let run = app.request(Method::POST, "/api/worker/outbound").header("idempotency-key", "k1");
        let run = run.header("x-worker-secret", crate::support::WORKER_SECRET).json(&json!({}));
        assert_eq!(answer(run).await.expect(200)["processed"], 1, "every run runs");
    }
}
