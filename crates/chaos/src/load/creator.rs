//! Clients that make messages, and send a request again with its key until they have an answer.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::api::{Answer, Api, As, Ask};
use super::{Load, OWNERS, pause};
use crate::hours::rfc3339;
use crate::journal::{Answered, Create};
use crate::moment::SECOND;

/// How long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes messages until the load is over.
pub async fn run(load: Load, number: usize) {
    let mut rng = load.rng(&format!("creator {number}"));
    let mut made = 0;
    while !load.stop.is_cancelled() {
        pause(&mut rng, 150, load.pace).await;
        if load.is_full() {
            continue;
        }
        made += 1;
        let tag = format!("c{number}-{made}");
        let (ask, wanted) = if rng.random_bool(0.05) {
            bulk(&load, &mut rng, &tag)
        } else {
            (single(&load, &mut rng, &tag), 1)
        };
        make(&load, &mut rng, ask.key(&format!("key-{tag}")), tag, wanted).await;
    }
}

async fn make(load: &Load, rng: &mut StdRng, ask: Ask, tag: String, wanted: usize) {
    let api = &load.api;
    let answer = match rng.random_range(0..100) {
        // Gives up early, and never learns what became of it.
        0..2 => {
            api.once(&ask, Duration::from_millis(rng.random_range(3..80))).await.filter(|a| a.status < 500)
        }
        // The answer is often lost.
        2..12 => api.insist_from(&ask, Duration::from_millis(rng.random_range(3..80)), PATIENCE).await,
        // Two at once.
        12..17 => {
            load.journal.count("pairs of equal requests at once");
            let (one, two) = tokio::join!(api.insist(&ask, PATIENCE), api.insist(&ask, PATIENCE));
            compare(load, &tag, one.as_ref(), two.as_ref());
            one.or(two)
        }
        _ => api.insist(&ask, PATIENCE).await,
    };
    let answered = read(load, &tag, answer.as_ref());
    if matches!(answered, Answered::Accepted { .. }) && rng.random_bool(0.05) {
        replay(load.clone(), ask, tag.clone(), answer, Duration::from_millis(rng.random_range(0..4_000)));
    }
    load.journal.create(Create { tag, wanted, answer: answered });
}

/// Sends it once more later: the answer must be the first one.
fn replay(load: Load, ask: Ask, tag: String, first: Option<Answer>, after: Duration) {
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        load.journal.count("requests replayed");
        let again = load.api.once(&ask, Duration::from_secs(10)).await;
        // A server that is down, or busy with the key, proves nothing.
        let again = again.filter(|answer| matches!(answer.status, 200 | 201));
        compare(&load, &tag, first.as_ref(), again.as_ref());
    });
}

fn compare(load: &Load, tag: &str, one: Option<&Answer>, two: Option<&Answer>) {
    if let (Some(one), Some(two)) = (one, two)
        && (one.status, &one.body) != (two.status, &two.body)
    {
        let what = format!("{tag}: {} {} and then {} {}", one.status, one.body, two.status, two.body);
        load.journal.odd_replay(what);
    }
}

fn read(load: &Load, tag: &str, answer: Option<&Answer>) -> Answered {
    let Some(Answer { status, body }) = answer else { return Answered::Lost };
    if !matches!(status, 200 | 201) {
        load.journal.misbehaviour(format!("{tag}: a create was answered {status} {body}"));
        return Answered::Refused(*status);
    }
    match body["outboundMessage"]["id"].as_str() {
        Some(id) => Answered::Accepted { ids: vec![id.to_owned()], stored: 1 },
        None => {
            let count = |field: &str| body[field].as_u64().unwrap_or(0);
            if body["rejected"].as_array().is_some_and(|rejected| !rejected.is_empty()) {
                load.journal.misbehaviour(format!("{tag}: recipients were rejected: {body}"));
            }
            let stored = usize::try_from(count("created") + count("skipped")).unwrap_or(usize::MAX);
            Answered::Accepted { ids: Vec::new(), stored }
        }
    }
}

/// One message, of any kind.
fn single(load: &Load, rng: &mut StdRng, tag: &str) -> Ask {
    let mut body = shared(load, rng, tag);
    let owner = owner(rng);
    let by = match rng.random_range(0..100) {
        // To somebody whom the CRM has pushed: owner and address come from there.
        0..25 => {
            body["leadId"] = load.some_lead(rng).into();
            if rng.random_bool(0.15) {
                body["templateKey"] = "remind_paid50".into();
                body["channel"] = "SMS".into();
                body.as_object_mut().map(|body| body.remove("text"));
            }
            As::Admin
        }
        25..45 => {
            body["to"] = load.new_address(&body["channel"]).into();
            As::Owner(owner)
        }
        45..50 => {
            body["to"] = load.new_address(&body["channel"]).into();
            As::Admin
        }
        _ => {
            body["to"] = load.new_address(&body["channel"]).into();
            body["ownerId"] = owner.into();
            As::Admin
        }
    };
    if rng.random_bool(0.1) {
        let at = load.clock.server_now() + rng.random_range(1..8) * SECOND;
        body["scheduledAt"] = rfc3339(at).into();
    }
    Ask::post("/api/outbound/messages", by, body)
}

/// Many at once; now and then more than their owner may send in a minute.
fn bulk(load: &Load, rng: &mut StdRng, tag: &str) -> (Ask, usize) {
    let mut body = shared(load, rng, tag);
    let wanted = if rng.random_bool(0.06) { load.burst } else { rng.random_range(2..25) };
    body["ownerId"] = owner(rng).into();
    let recipients: Vec<Value> =
        (0..wanted).map(|_| json!({"to": load.new_address(&body["channel"])})).collect();
    body["recipients"] = recipients.into();
    (Ask::post("/api/outbound/messages/bulk", As::Admin, body), wanted)
}

fn shared(load: &Load, rng: &mut StdRng, tag: &str) -> Value {
    let channel = ["SMS", "SMS", "SMS", "ZALO", "FB", "CALL_NOTE"][rng.random_range(0..6)];
    let priority = ["HIGH", "MEDIUM", "MEDIUM", "LOW"][rng.random_range(0..4)];
    let text = format!("Chào bạn, tin {tag} của lần chạy {}", load.seed);
    json!({"channel": channel, "priority": priority, "text": text, "notificationId": tag})
}

/// One owner has more to say than the others.
fn owner(rng: &mut StdRng) -> String {
    let number = if rng.random_bool(0.12) { 0 } else { rng.random_range(0..OWNERS) };
    format!("owner-{number}")
}

/// Pushes the CRM's people, and later that some of them want nothing any more.
pub async fn push_leads(api: &Api, leads: &[Value]) -> anyhow::Result<()> {
    let ask = Ask {
        method: reqwest::Method::PUT,
        path: "/api/outbound/contacts".to_owned(),
        by: As::Service,
        key: None,
        body: Some(json!({"contacts": leads})),
    };
    match api.insist(&ask, PATIENCE).await {
        Some(Answer { status: 200, .. }) => Ok(()),
        other => anyhow::bail!("contacts could not be pushed: {other:?}"),
    }
}
