//! Standard Webhooks both ways while a secret is replaced, held against the reference library.

use chrono::TimeDelta;
use domain::ports::Clock as _;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use test_support::scripted_n8n::{HandOff, Reaction};

use crate::http::{Answer, answer};
use crate::support::{TestApp, sms};

/// As N8N's Crypto node takes it.
const NEW: &str = "the secret of this year in plain text";
/// As other libraries write one.
const OLD: &str = "whsec_dGhlIHNlY3JldCBvZiBsYXN0IHllYXIsIDMyIGJ5dGVz";

fn new() -> Webhook {
    Webhook::from_bytes(NEW.as_bytes().to_vec()).unwrap()
}

fn old() -> Webhook {
    Webhook::new(OLD).unwrap()
}

fn foreign() -> Webhook {
    Webhook::from_bytes(b"somebody else's secret".to_vec()).unwrap()
}

/// A server with two live secrets, whose N8N accepts everything and calls nobody back.
async fn server() -> TestApp {
    let builder = TestApp::builder().set("N8N_WEBHOOK_SECRET", &format!("{NEW},{OLD}"));
    builder.script(|_| Reaction::accepted()).start().await
}

async fn handed_off(app: &TestApp, number: u32) -> String {
    let id = app.create(sms(number)).await;
    app.run_worker(json!({})).await;
    id
}

/// A callback that was signed; may be sent as often as one likes, as by somebody who recorded it.
#[derive(Clone)]
struct Signed {
    headers: [(&'static str, String); 3],
    body: String,
}

impl Signed {
    fn new(webhook: &Webhook, at: i64, body: &Value) -> Self {
        let (id, body) = (format!("callback-{}", body["messageId"]), body.to_string());
        let signature = webhook.sign(&id, at, body.as_bytes()).unwrap();
        let headers =
            [("webhook-id", id), ("webhook-timestamp", at.to_string()), ("webhook-signature", signature)];
        Self { headers, body }
    }

    async fn send(&self, app: &TestApp) -> Answer {
        let request = app.request(Method::POST, "/api/outbound/callback");
        let request = request.header("content-type", "application/json").body(self.body.clone());
        answer(self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
    }
}

/// What the workflow that takes hand-offs reads of their headers.
fn headers_that_the_receiver_reads() -> Vec<&'static str> {
    let receiver = n8n_pack::WORKFLOWS.iter().find(|flow| flow.file == "2-receive-and-send.json").unwrap();
    receiver.json.split("headers['").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect()
}

fn headers(hand_off: &HandOff) -> HeaderMap {
    let pair = |(name, value): &(String, String)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    hand_off.headers.iter().map(pair).collect()
}

#[tokio::test]
async fn a_hand_off_verifies_with_either_secret_and_with_no_other() {
    let app = server().await;
    let id = handed_off(&app, 1).await;
    let log = app.n8n.log();
    let [hand_off] = log.hand_offs.as_slice() else { panic!("{:?}", log.hand_offs) };
    for webhook in [new(), old()] {
        webhook.verify(&hand_off.raw, &headers(hand_off)).unwrap();
        // One signature for each: whoever compares without a library finds theirs.
        let own = webhook.sign(
            &format!("{id}:1"),
            hand_off.header("webhook-timestamp").unwrap().parse().unwrap(),
            &hand_off.raw,
        );
        let signatures = hand_off.header("webhook-signature").unwrap();
        assert!(signatures.split(' ').any(|signature| signature == own.as_deref().unwrap()), "{signatures}");
    }
    assert!(foreign().verify(&hand_off.raw, &headers(hand_off)).is_err());
    assert!(new().verify(&hand_off.raw[1..], &headers(hand_off)).is_err());
    let read = headers_that_the_receiver_reads();
    assert!(read.contains(&"webhook-signature"));
    for name in read {
        assert!(hand_off.header(name).is_some(), "the receiver reads {name}");
    }
}

#[tokio::test]
async fn a_callback_signed_with_either_secret_is_taken_and_any_other_refused() {
    let app = server().await;
    let now = app.clock.now().timestamp();
    for (number, webhook) in [(1, new()), (2, old())] {
        let id = handed_off(&app, number).await;
        let sent = json!({"messageId": id, "status": "SENT", "providerMessageId": "p1"});
        for refused in [
            Signed::new(&foreign(), now, &sent),
            Signed::new(&webhook, now - 302, &sent),
            Signed::new(&webhook, now + 310, &sent),
            Signed { body: sent.to_string().replace("p1", "p2"), ..Signed::new(&webhook, now, &sent) },
        ] {
            let refused = refused.send(&app).await.expect(403);
            assert_eq!(refused["error"]["code"], "AUTH_FORBIDDEN");
        }
        assert_eq!(app.message(&id).await["outboundMessage"]["status"], "DISPATCHED");
        let taken = Signed::new(&webhook, now, &sent).send(&app).await.expect(200);
        assert_eq!(taken, json!({"ok": true, "applied": true}));
        assert_eq!(app.message(&id).await["outboundMessage"]["providerMessageId"], "p1");
    }
}

#[tokio::test]
async fn a_repeat_changes_nothing_at_once_and_is_refused_later() {
    let app = server().await;
    let id = handed_off(&app, 1).await;
    let body = json!({"messageId": id, "status": "SENT", "attempt": 1});
    let signed = Signed::new(&new(), app.clock.now().timestamp(), &body);
    assert_eq!(signed.send(&app).await.expect(200)["applied"], true);
    assert_eq!(signed.send(&app).await.expect(200)["applied"], false, "N8N's own repeat");
    app.clock.advance(TimeDelta::seconds(62));
    signed.send(&app).await.expect(403);
    let anew = Signed::new(&new(), app.clock.now().timestamp(), &body);
    assert_eq!(anew.send(&app).await.expect(200)["applied"], false, "whoever knows the secret signs anew");
}

#[tokio::test]
async fn a_recorded_failure_that_names_no_attempt_hits_no_later_one_in_whatever_process() {
    let app = server().await;
    let id = handed_off(&app, 1).await;
    let body = json!({"messageId": id, "status": "FAILED", "error": "busy"});
    let recorded = Signed::new(&old(), app.clock.now().timestamp(), &body);
    assert_eq!(recorded.send(&app).await.expect(200)["applied"], true);
    app.clock.advance(TimeDelta::seconds(150));
    app.run_worker(json!({})).await;
    let before = app.message(&id).await;
    assert_eq!(before["outboundMessage"]["attempt"], 2, "the retry is under way");
    // One that has seen nothing, as after a restart.
    let second =
        TestApp::builder().beside(&app).set("N8N_WEBHOOK_SECRET", &format!("{NEW},{OLD}")).start().await;
    for server in [&app, &second] {
        recorded.send(server).await.expect(403);
    }
    assert_eq!(app.message(&id).await["outboundMessage"], before["outboundMessage"]);
    let anew = Signed::new(&old(), app.clock.now().timestamp(), &body);
    assert_eq!(anew.send(&second).await.expect(200)["applied"], true);
}

#[tokio::test]
async fn a_late_array_loses_no_outcome_to_a_failure_in_it_that_names_no_attempt() {
    let app = server().await;
    let (sent, failed) = (handed_off(&app, 1).await, handed_off(&app, 2).await);
    let signed_at = app.clock.now().timestamp();
    app.clock.advance(TimeDelta::seconds(70));
    let unnamed = json!({"messageId": failed, "status": "FAILED", "error": "busy"});
    Signed::new(&new(), signed_at, &unnamed).send(&app).await.expect(403);
    let both = json!([unnamed, {"messageId": sent, "status": "SENT"}]);
    let answer = Signed::new(&new(), signed_at, &both).send(&app).await.expect(200);
    let applied = |index: usize| answer["results"][index]["applied"].clone();
    assert_eq!((applied(0), applied(1)), (json!(false), json!(true)), "{answer}");
    let says = answer["results"][0]["error"]["message"].as_str().unwrap();
    assert!(says.contains("name `attempt` or `leaseId`"), "{says}");
    for (id, status) in [(&sent, "SENT"), (&failed, "DISPATCHED")] {
        assert_eq!(app.message(id).await["outboundMessage"]["status"], status);
    }
    let named = json!([{"messageId": failed, "status": "FAILED", "error": "busy", "attempt": 1}]);
    let answer = Signed::new(&new(), signed_at, &named).send(&app).await.expect(200);
    assert_eq!(answer["results"][0]["applied"], true, "{answer}");
}
