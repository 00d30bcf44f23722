//! The stand-in for N8N.

use std::sync::Arc;
use std::time::Duration;

use delivery_n8n::{SimulatorGateway, SimulatorSettings};
use domain::ports::{DeliveryGateway as _, HandOff, HandOffAnswer};
use serde_json::{Value, json};
use test_support::scripted_n8n::{Reaction, ScriptedN8n};

use crate::support::{PATIENCE, Stopped, lease, message};

/// A server that takes callbacks, and a simulator that calls back at once.
async fn simulator(server: impl Fn() -> Reaction + Send + Sync + 'static) -> (ScriptedN8n, SimulatorGateway) {
    let server = ScriptedN8n::start(move |_| server()).await.unwrap();
    let (delay, slow_delay) = (Duration::ZERO, Duration::from_secs(3_600));
    let settings = SimulatorSettings { delay, slow_delay, ..SimulatorSettings::new(server.url(), "secret") };
    let simulator = SimulatorGateway::new(settings, Arc::new(Stopped)).unwrap();
    (server, simulator)
}

async fn hand_off(simulator: &SimulatorGateway, to: &str) -> HandOffAnswer {
    simulator.hand_off(HandOff { message: &message(to), lease: lease(), traceparent: None }).await
}

/// What is called back with, once so many have come.
async fn callbacks(server: &ScriptedN8n, count: usize) -> Vec<Value> {
    server.wait_until(|log| log.hand_offs.len() >= count, PATIENCE).await.unwrap();
    server.log().hand_offs.iter().map(|callback| callback.body.clone()).collect()
}

#[tokio::test]
async fn a_message_is_called_back_as_sent_with_an_id_that_says_that_nothing_was() {
    let (server, simulator) = simulator(Reaction::accepted).await;
    assert_eq!(hand_off(&simulator, "0901234567").await, HandOffAnswer::Accepted);
    let expected = json!({
        "messageId": "00000000-0000-0000-0000-000000000001", "status": "SENT", "attempt": 1,
        "leaseId": "00000000-0000-0000-0000-00000000000a", "sentAt": "2026-11-20T09:00:00.000Z",
        "providerMessageId": "simulated-00000000-0000-0000-0000-000000000001",
    });
    assert_eq!(callbacks(&server, 1).await, [expected]);
    assert_eq!(server.log().hand_offs[0].header("x-callback-secret"), Some("secret"));
}

#[tokio::test]
async fn the_number_chooses_how_a_message_fails() {
    for (to, status, permanent) in [
        ("0901230001", "FAILED", Value::Null),
        ("0901230002", "FAILED", json!(true)),
        ("0901230003", "SKIPPED", Value::Null),
    ] {
        let (server, simulator) = simulator(Reaction::accepted).await;
        assert_eq!(hand_off(&simulator, to).await, HandOffAnswer::Accepted);
        let callback = &callbacks(&server, 1).await[0];
        assert_eq!((&callback["status"], &callback["permanent"]), (&json!(status), &permanent));
    }
}

#[tokio::test]
async fn the_number_may_ask_for_a_callback_that_comes_twice() {
    let (server, simulator) = simulator(Reaction::accepted).await;
    hand_off(&simulator, "0901230006").await;
    let callbacks = callbacks(&server, 2).await;
    assert_eq!(callbacks[0], callbacks[1]);
}

#[tokio::test]
async fn the_number_may_ask_not_to_be_accepted_or_never_to_be_called_back() {
    let (server, simulator) = simulator(Reaction::accepted).await;
    let answer = hand_off(&simulator, "0901230007").await;
    assert!(matches!(answer, HandOffAnswer::NotAccepted { .. }), "{answer:?}");
    assert_eq!(hand_off(&simulator, "0901230005").await, HandOffAnswer::Accepted);
    simulator.stop().await;
    assert_eq!(server.log().hand_offs.len(), 0);
}

#[tokio::test]
async fn a_callback_is_repeated_until_the_server_takes_it() {
    let refusals = std::sync::atomic::AtomicUsize::new(1);
    let (server, simulator) = simulator(move || {
        let left = refusals.swap(0, std::sync::atomic::Ordering::Relaxed);
        if left > 0 { Reaction::unavailable() } else { Reaction::accepted() }
    })
    .await;
    hand_off(&simulator, "0901234567").await;
    assert_eq!(callbacks(&server, 2).await.len(), 2);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_slow_callbacks() {
    let (server, simulator) = simulator(Reaction::accepted).await;
    assert_eq!(hand_off(&simulator, "0901230004").await, HandOffAnswer::Accepted);
    tokio::time::timeout(PATIENCE, simulator.stop()).await.unwrap();
    assert_eq!(server.log().hand_offs.len(), 0);
}
