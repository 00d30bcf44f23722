use super::*;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn hand_off(n: usize) -> Value {
    json!({"messageId": format!("m{n}"), "attempt": 1, "leaseId": "l1"})
}

async fn post(client: &reqwest::Client, n8n: &ScriptedN8n, n: usize) -> u16 {
    let request = client.post(n8n.url()).header("idempotency-key", format!("m{n}:1")).json(&hand_off(n));
    request.send().await.unwrap().status().as_u16()
}

/// Another one stands in for the server that takes callbacks.
async fn callback_server(script: impl Fn(&HandOff) -> Reaction + Send + Sync + 'static) -> ScriptedN8n {
    ScriptedN8n::start(script).await.unwrap()
}

#[tokio::test]
async fn hand_offs_are_taken_down_in_their_order_with_their_repeats() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let client = client();
    for n in [1, 2, 1] {
        assert_eq!(post(&client, &n8n, n).await, 200);
    }
    let log = n8n.log();
    let seen: Vec<_> = log.hand_offs.iter().map(|h| (h.order, h.message_id.as_str(), h.repeats)).collect();
    assert_eq!(seen, [(0, "m1", 0), (1, "m2", 0), (2, "m1", 1)]);
    assert_eq!(log.repeated_keys(), [("m1:1", 2)]);
    assert_eq!((log.messages(), log.of("m1").len()), (vec!["m1", "m2"], 2));
}

#[tokio::test]
async fn a_callback_goes_from_server_to_server_until_one_takes_it() {
    let down = callback_server(|_| Reaction::accepted()).await;
    let gone = down.url();
    down.stop().await;
    let busy = callback_server(|_| Reaction::unavailable()).await;
    let up = callback_server(|_| Reaction::settled(&json!({"ok": true, "applied": true}))).await;
    let n8n = ScriptedN8n::start(|_| Reaction::accepted().then(CallbackPlan::sent())).await.unwrap();
    n8n.call_back_to([gone, busy.url(), up.url()], "secret");
    post(&client(), &n8n, 1).await;
    n8n.wait_until(|log| !log.callbacks.is_empty(), PATIENCE).await.unwrap();
    let record = &n8n.log().callbacks[0];
    assert_eq!((record.status, record.failed_tries, &record.url), (200, 2, &up.url()));
    assert_eq!(record.applied(), [("m1".to_owned(), true)]);
    assert_eq!(up.log().hand_offs[0].header("x-callback-secret"), Some("secret"));
    let expected = json!({"messageId": "m1", "attempt": 1, "leaseId": "l1", "status": "SENT",
        "providerMessageId": "n8n-m1"});
    assert_eq!(up.log().hand_offs[0].body, expected);
}

#[tokio::test]
async fn a_callback_may_overtake_the_answer_and_say_nothing_of_attempt_and_lease() {
    let server = callback_server(|_| Reaction::settled(&json!({"applied": true}))).await;
    let plan = CallbackPlan::failed("busy").anonymous().overtaking().twice();
    let n8n = ScriptedN8n::start(move |_| Reaction::status(200).then(plan.clone())).await.unwrap();
    n8n.call_back_to([server.url()], "secret");
    post(&client(), &n8n, 1).await;
    let bodies: Vec<_> = server.log().hand_offs.iter().map(|h| h.body.clone()).collect();
    let expected = json!({"messageId": "m1", "status": "FAILED", "error": "busy"});
    assert_eq!(bodies, [expected.clone(), expected]);
}

#[tokio::test]
async fn batched_callbacks_go_in_arrays_and_none_is_lost() {
    let server = callback_server(|_| Reaction::settled(&json!({"ok": true, "results": []}))).await;
    let n8n =
        ScriptedN8n::start(|_| Reaction::accepted().then(CallbackPlan::sent().batched())).await.unwrap();
    let client = client();
    for n in 0..20 {
        post(&client, &n8n, n).await;
    }
    n8n.call_back_to([server.url()], "secret");
    n8n.wait_until(|log| log.called_back(200) == 20, PATIENCE).await.unwrap();
    assert!(n8n.log().callbacks.iter().all(|record| record.body.is_array()));
}

#[tokio::test]
async fn answers_that_are_held_back_come_when_they_are_let_go() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    n8n.pause_answers();
    let client = client();
    let mut held = std::pin::pin!(post(&client, &n8n, 1));
    let arrived = n8n.wait_until(|log| log.hand_offs.len() == 1, PATIENCE);
    tokio::select! {
        status = &mut held => panic!("answered {status} while held back"),
        arrived = arrived => arrived.unwrap(),
    }
    n8n.resume_answers();
    assert_eq!(held.await, 200);
}

#[tokio::test]
async fn one_that_was_stopped_refuses_connections_until_another_takes_its_place() {
    let first = ScriptedN8n::start(|_| Reaction::hang()).await.unwrap();
    let (address, url, client) = (first.address(), first.url(), client());
    first.stop().await;
    assert!(client.post(&url).send().await.unwrap_err().is_connect());
    let second = ScriptedN8n::start_at(address, |_| Reaction::unavailable()).await.unwrap();
    assert_eq!(post(&client, &second, 1).await, 503);
}

#[tokio::test]
async fn a_wait_that_is_in_vain_says_what_there_was() {
    let n8n = ScriptedN8n::start(|_| Reaction::close()).await.unwrap();
    assert!(client().post(n8n.url()).send().await.is_err());
    let error = n8n.wait_until(|log| log.callbacks.len() == 1, Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("1 hand-offs, 0 callbacks answered"), "{error}");
}
