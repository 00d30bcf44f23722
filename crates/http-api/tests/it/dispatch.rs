//! A person runs the worker.

use std::sync::Arc;

use async_trait::async_trait;
use domain::policy::quiet_hours::{QuietHours, Window};
use domain::ports::{DeliveryGateway, HandOff, HandOffAnswer};
use futures_util::future::{Either, select};
use http_api::Background;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::support::people::paths;
use crate::support::{TestApi, rules};

const PATH: &str = "/api/outbound/dispatch";

#[actix_web::test]
async fn a_run_answers_every_count_and_an_empty_body_is_all_defaults() {
    let api = TestApi::new();
    for n in 0..25 {
        api.queued(&format!("09012345{n:02}")).await;
    }
    let answer = api.post(PATH, "").await;
    let expected = json!({
        "ok": true, "dryRun": false, "total": 20, "accepted": 20, "processed": 20, "sent": 0, "failed": 0,
        "skipped": 20, "rateLimited": 0, "remainingEstimate": 5,
        "breakdownByPriority": {"HIGH": 0, "MEDIUM": 20, "LOW": 0},
        "breakdownByOwner": [{"ownerId": null, "ownerName": null, "count": 20}], "webhookEnabled": true,
        "duration": 0, "leaseId": answer.body["leaseId"], "quietHours": {"active": false}, "circuit": "CLOSED",
    });
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &expected));
    let rest = api.post_json(PATH, &json!({"limit": 100_000})).await;
    assert_eq!((&rest.body["total"], &rest.body["remainingEstimate"]), (&json!(5), &json!(0)));
}

#[actix_web::test]
async fn telesales_dispatch_their_own_messages_only() {
    let api = TestApi::new();
    let (mine, foreign) = (api.queued_of("u1", "0901234561").await, api.queued_of("u2", "0901234562").await);
    let answer = api.post_as("telesales", "u1", PATH, &json!({})).await;
    assert_eq!((&answer.body["total"], &answer.body["remainingEstimate"]), (&json!(1), &json!(0)));
    assert_eq!(answer.body["breakdownByOwner"].as_array().unwrap().len(), 1);
    assert_eq!(
        (api.status_of(&mine).await, api.status_of(&foreign).await),
        ("DISPATCHED".into(), "QUEUED".into())
    );
    let timeline = api.get(&format!("/api/outbound/messages/{mine}")).await.body["timeline"].clone();
    assert!(
        timeline.as_array().unwrap().iter().any(|line| line["by"] == "user:u1" && line["kind"] == "LEASED"),
        "{timeline}"
    );
    for role in ["direct_page", "viewer"] {
        assert_eq!(api.post_as(role, "u1", PATH, &json!({})).await.outcome(), (403, "AUTH_FORBIDDEN"));
    }
}

#[actix_web::test]
async fn an_admin_alone_passes_the_quiet_hours() {
    let mut api = TestApi::new();
    let window = Window::parse("11:00-13:00").unwrap();
    api.api.rules = Arc::new(rules(QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, window)));
    api.queued_of("u1", "0901234561").await;
    let quiet = api.post(PATH, "").await;
    assert_eq!((&quiet.body["total"], &quiet.body["quietHours"]["active"]), (&json!(0), &json!(true)));
    let pass = json!({"ignoreQuietHours": true});
    for role in ["manager", "telesales"] {
        assert_eq!(api.post_as(role, "u1", PATH, &pass).await.outcome(), (403, "AUTH_FORBIDDEN"));
    }
    assert_eq!(api.post_json(PATH, &pass).await.body["total"], 1);
}

#[actix_web::test]
async fn what_is_wrong_is_named_and_nothing_runs() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let cases = [
        ("{\"limit\": 0}", "limit"),
        ("{\"limit\": -1}", "limit"),
        ("{\"force\": true}", "force"),
        ("{\"limit\": 1", ""),
        ("[]", ""),
    ];
    for (body, expected) in cases {
        let answer = api.post(PATH, body).await;
        assert_eq!((answer.outcome(), paths(&answer)), ((400, "VALIDATION_ERROR"), vec![expected]), "{body}");
    }
    assert_eq!(api.status_of(&id).await, "QUEUED");
}

#[actix_web::test]
async fn the_same_key_runs_once() {
    let api = TestApi::new();
    api.queued("0901234561").await;
    api.queued("0901234562").await;
    let one = json!({"limit": 1});
    let first = api.post_keyed(PATH, "k1", &one).await;
    let again = api.post_keyed(PATH, "k1", &one).await;
    assert_eq!((&first.body["total"], &first.body), (&json!(1), &again.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(api.post_keyed(PATH, "k1", &json!({})).await.outcome(), (409, "IDEMPOTENCY_CONFLICT"));
    assert_eq!(api.post_keyed(PATH, "k2", &one).await.body["total"], 1);
}

#[actix_web::test]
async fn without_n8n_it_says_so() {
    let mut api = TestApi::new();
    api.api.gateway = None;
    api.queued("0901234567").await;
    let answer = api.post(PATH, "").await;
    assert_eq!((&answer.body["webhookEnabled"], &answer.body["leaseId"]), (&json!(false), &Value::Null));
    assert_eq!(answer.body["warnings"].as_array().unwrap().len(), 1);
}

/// An N8N that answers when it is told to.
#[derive(Default)]
struct Slow {
    asked: Notify,
    go: Notify,
}

#[async_trait]
impl DeliveryGateway for Slow {
    async fn pace(&self) {}

    async fn hand_off(&self, _: HandOff<'_>) -> HandOffAnswer {
        self.asked.notify_one();
        self.go.notified().await;
        HandOffAnswer::Accepted
    }
}

#[actix_web::test]
async fn a_run_whose_caller_hangs_up_ends_and_its_answer_is_kept() {
    let mut api = TestApi::new();
    let (slow, tasks) = (Arc::new(Slow::default()), TaskTracker::new());
    api.api.gateway = Some(slow.clone());
    api.api.background = Background::new(Handle::current(), tasks.clone());
    let id = api.queued("0901234567").await;
    let body = json!({});
    {
        let first = std::pin::pin!(api.post_keyed(PATH, "k1", &body));
        let asked = std::pin::pin!(slow.asked.notified());
        let left = matches!(select(first, asked).await, Either::Right(_));
        assert!(left, "the answer came before the hand-off");
    }
    let meanwhile = api.post_keyed(PATH, "k1", &body).await;
    assert_eq!(meanwhile.outcome(), (409, "IDEMPOTENCY_CONFLICT"));
    slow.go.notify_one();
    tasks.close();
    tasks.wait().await;
    let again = api.post_keyed(PATH, "k1", &body).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body["accepted"]), ("true", &json!(1)));
    assert_eq!(api.status_of(&id).await, "DISPATCHED");
}
