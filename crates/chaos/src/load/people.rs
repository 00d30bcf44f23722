//! People: they cancel, queue anew, run the worker, look around; and the CRM, which tells who has opted out.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::api::{As, Ask};
use super::creator::push_leads;
use super::{LEADS, Load, OWNERS, pause};
use crate::hours;
use crate::journal::OptOut;
use crate::moment::Moment;

const LIMIT: Duration = Duration::from_secs(8);

/// Acts until the load is over.
pub async fn run(load: Load) {
    let mut rng = load.rng("people");
    let mut acts = 0;
    while !load.stop.is_cancelled() {
        pause(&mut rng, 150, 900).await;
        acts += 1;
        let key = format!("act-{acts}");
        match rng.random_range(0..100) {
            0..25 => act(&load, &mut rng, "cancel", &["QUEUED", "QUEUED", "FAILED"], &key).await,
            25..75 => {
                act(&load, &mut rng, "requeue", &["FAILED", "FAILED", "SKIPPED", "CANCELLED"], &key).await
            }
            75..88 => {
                let owner = As::Owner(format!("owner-{}", rng.random_range(0..OWNERS)));
                let ask = Ask::post("/api/outbound/dispatch", owner, json!({"limit": 5}));
                load.api.once(&ask.key(&key), LIMIT).await;
            }
            88..92 if hours::all_closed(load.clock.server_now()) => {
                load.journal.count("runs through quiet hours by an admin");
                let body = json!({"limit": 2, "ignoreQuietHours": true});
                load.api.once(&Ask::post("/api/outbound/dispatch", As::Admin, body).key(&key), LIMIT).await;
            }
            _ => {
                load.api.once(&Ask::get("/api/outbound/stats", As::Admin), LIMIT).await;
            }
        }
    }
}

/// Cancels or requeues one message, or several, that have one of these statuses.
async fn act(load: &Load, rng: &mut StdRng, act: &str, statuses: &[&str], key: &str) {
    let status = statuses.choose(rng).copied().unwrap_or_default();
    let list = Ask::get(format!("/api/outbound/messages?pageSize=50&status={status}"), As::Admin);
    let Some(found) = load.api.once(&list, LIMIT).await else { return };
    let found: Vec<&str> =
        found.body["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
    let many = if rng.random_bool(0.2) { rng.random_range(2..8) } else { 1 };
    let ids: Vec<&str> = found.choose_multiple(rng, many).copied().collect();
    for id in &ids {
        match act {
            "cancel" => load.journal.cancel(id),
            _ => load.journal.requeue(id),
        }
    }
    let ask = match ids.as_slice() {
        [] => return,
        [one] => Ask::post(format!("/api/outbound/messages/{one}/{act}"), As::Admin, json!({})),
        all => Ask::post(format!("/api/outbound/messages/{act}"), As::Admin, json!({"ids": all})),
    };
    // With its key it is done once, however often it is sent.
    if load
        .api
        .insist(&ask.key(key), Duration::from_secs(15))
        .await
        .is_some_and(|answer| answer.status == 200)
    {
        load.journal.count(if act == "cancel" {
            "cancels that were answered"
        } else {
            "requeues that were answered"
        });
    }
}

/// A lead as the CRM knows it.
pub fn lead(number: usize, opted_out: &[&str]) -> Value {
    json!({
        "leadId": format!("lead-{number}"),
        "fullName": format!("Nguyễn Văn {number}"),
        "phone": format!("091{:07}", number),
        "facebookPsid": format!("80000000{number:08}"),
        "ownerId": format!("owner-{}", number % OWNERS),
        "ownerName": format!("Chị {}", number % OWNERS),
        "branchId": "branch-1",
        "optedOutChannels": opted_out,
    })
}

/// Opts leads out, one channel at a time, until the load is over.
pub async fn opt_out(load: Load) {
    let mut rng = load.rng("opt-outs");
    let mut closed: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    while !load.stop.is_cancelled() {
        pause(&mut rng, 1_000, 4_000).await;
        // A third of them stays open, for the load.
        let number = rng.random_range(0..LEADS * 2 / 3);
        let channel = ["SMS", "ZALO", "FB", "CALL_NOTE"][rng.random_range(0..4)];
        let all = closed.entry(number).or_default();
        if all.contains(&channel) {
            continue;
        }
        all.push(channel);
        if push_leads(&load.api, &[lead(number, all)]).await.is_ok() {
            let (lead, acknowledged) = (format!("lead-{number}"), Moment::now());
            load.journal.opt_out(OptOut { lead, channel: channel.to_owned(), acknowledged });
        }
    }
}
