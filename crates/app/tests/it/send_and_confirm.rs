//! The main loop: queue, hand off, call back.

use serde_json::json;

use test_support::scripted_n8n::Reaction;

use crate::support::{TestApp, kinds, sms};

#[tokio::test]
async fn a_message_is_queued_handed_off_and_confirmed() {
    // It calls back below, once the hand-off has been noted: a callback may be faster than that.
    let app = TestApp::builder().script(|_| Reaction::accepted()).start().await;
    let id = app
        .create(json!({"channel": "ZALO", "to": "0901234567", "text": "Chào chị Lan, mai mình học nhé"}))
        .await;
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "QUEUED");

    let report = app.run_worker(json!({})).await;
    assert_eq!(
        (&report["processed"], &report["skipped"], &report["failed"]),
        (&1.into(), &1.into(), &0.into())
    );

    let in_flight = app.wait_for_status(&id, "DISPATCHED").await;
    let lease = &in_flight["outboundMessage"]["leaseId"];
    let sent = json!({"messageId": id, "status": "SENT", "attempt": 1, "leaseId": lease, "providerMessageId": "z-1"});
    app.callback(&sent).await.expect(200);

    let message = app.wait_for_status(&id, "SENT").await;
    let fields = &message["outboundMessage"];
    assert_eq!(fields["providerMessageId"], "z-1");
    assert!(fields["sentAt"].is_string() && fields["leaseId"].is_null() && fields["error"].is_null());
    assert_eq!(kinds(&message), ["CREATED", "LEASED", "DISPATCHED", "SETTLED"]);

    let log = app.n8n.log();
    let [hand_off] = log.hand_offs.as_slice() else { panic!("{:?}", log.hand_offs) };
    assert_eq!(hand_off.idempotency_key, format!("{id}:1"));
    assert_eq!(hand_off.body["to"], "+84901234567");
    assert_eq!(hand_off.body["text"], "Chào chị Lan, mai mình học nhé");
    app.stop().await;
}

#[tokio::test]
async fn two_servers_on_one_database_share_the_work() {
    let app = TestApp::start().await;
    let second = TestApp::builder().beside(&app).start().await;
    for number in 0..40 {
        app.create(sms(number)).await;
    }
    let batch = json!({"batchSize": 20});
    let (one, other) = tokio::join!(app.run_worker(batch.clone()), second.run_worker(batch));
    assert_eq!(
        one["processed"].as_u64().unwrap() + other["processed"].as_u64().unwrap(),
        40,
        "{one} {other}"
    );
    app.n8n.wait_until(|log| log.called_back(200) == 40, crate::support::PATIENCE).await.unwrap();
    assert_eq!((app.count("SENT").await, app.n8n.log().repeated_keys().len()), (40, 0));
}

#[tokio::test]
async fn a_callback_for_what_was_never_handed_off_is_refused() {
    let app = TestApp::start().await;
    let id = app.create(sms(1)).await;
    let refused = app.callback(&json!({"messageId": id, "status": "SENT"})).await;
    assert!(refused.headers.contains_key("x-request-id"));
    assert_eq!(refused.expect(409)["error"]["code"], "CONFLICT");
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "QUEUED");
}

#[tokio::test]
async fn nothing_goes_out_at_night() {
    let app = TestApp::builder().set("OPS_QUIET_HOURS", "").start().await;
    // 21:00 in Ho Chi Minh City.
    let night = "2027-01-04T14:00:00Z".parse().unwrap();
    app.clock.stand_still_at(night);
    let id = app.create(sms(1)).await;
    let report = app.run_worker(json!({"force": true})).await;
    assert_eq!(
        (&report["processed"], &report["quietHours"]["active"]),
        (&0.into(), &true.into()),
        "{report}"
    );
    app.clock.advance(chrono::TimeDelta::hours(11));
    app.run_worker(json!({})).await;
    app.wait_for_status(&id, "SENT").await;
}
