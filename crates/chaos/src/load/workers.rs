//! N8N as the one who runs the worker: by push, and by pull.

use std::time::Duration;

use rand::Rng as _;
use serde_json::{Value, json};

use super::api::{As, Ask};
use super::{Load, pause};

/// Asks for messages and hands them to N8N itself, until the load is over.
pub async fn pull(load: Load) {
    let mut rng = load.rng("pull");
    while !load.stop.is_cancelled() {
        pause(&mut rng, 500, 2_500).await;
        let body = json!({"mode": "pull", "batchSize": rng.random_range(1..8)});
        let ask = Ask::post("/api/worker/outbound", As::Worker, body);
        // An answer that comes too late is lost, and so are its messages: they wait for a callback in vain.
        let limit = Duration::from_millis(if rng.random_bool(0.1) { rng.random_range(2..40) } else { 5_000 });
        let Some(answer) = load.api.once(&ask, limit).await else { continue };
        let messages = answer.body["messages"].as_array().cloned().unwrap_or_default();
        for message in &messages {
            load.n8n.pulled(message).await;
        }
        if let (Some(lease), true) =
            (messages.first().map(|one| one["leaseId"].clone()), rng.random_bool(0.2))
        {
            extend(&load, &lease).await;
        }
    }
}

async fn extend(load: &Load, lease: &Value) {
    let body = json!({"leaseId": lease, "extendSeconds": 25});
    let ask = Ask::post("/api/worker/outbound/heartbeat", As::Worker, body);
    if load.api.once(&ask, Duration::from_secs(5)).await.is_some_and(|answer| answer.status == 200) {
        load.journal.count("pulled leases extended");
    }
}

/// Runs the worker besides the servers' own, and often hangs up before the run is over.
pub async fn push(load: Load) {
    let mut rng = load.rng("push");
    while !load.stop.is_cancelled() {
        pause(&mut rng, 500, 3_000).await;
        let body = json!({"batchSize": rng.random_range(1..40), "concurrency": rng.random_range(1..8)});
        let ask = Ask::post("/api/worker/outbound", As::Worker, body);
        load.api.once(&ask, Duration::from_millis(rng.random_range(20..6_000))).await;
    }
}
