//! Commands beside a running server judge by what that works by, whatever their own environment says.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};
use test_support::database::TestDatabase;

use super::json;
use crate::process::{Process, Scratch, run, text};
use crate::support::{friendly_n8n, settings, sms};

fn codes(told: &Value) -> Vec<&str> {
    told["explain"]["reasons"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn beside_a_demo_every_command_says_that_nothing_is_sent_and_none_is_turned_away() {
    let folder = Scratch::new("beside");
    let none = BTreeMap::new();
    let options = ["--demo", "--bind", "127.0.0.1:0", "--data-dir", folder.text()];
    let server = Process::start(&none, &options).await;
    let command = |arguments: &[&'static str]| [&["--data-dir", folder.text()], arguments].concat();

    let (_, stats) = json(&none, &command(&["stats", "--json"])).await;
    let seen = (&stats["simulator"], &stats["webhookEnabled"], &stats["quietHours"]["closed"]);
    assert_eq!(seen, (&object!(true), &object!(true), &object!([])), "{stats}");

    let token = command(&["token", "--role", "admin", "--sub", "boss"]);
    let admin = text(&run(&none, &token).await.stdout).trim().to_owned();
    let created = server.http.post("/api/outbound/messages", &admin, &sms(7)).await.expect(201);
    assert_eq!(created["simulator"], true);
    let id = created["outboundMessage"]["id"].as_str().unwrap();
    let explain = ["--data-dir", folder.text(), "explain", id];
    let (_, told) = json(&none, &[&explain[..], &["--json"]].concat()).await;
    let detail = server.http.get(&format!("/api/outbound/messages/{id}"), &admin).await.expect(200);
    assert_eq!((&told["simulator"], codes(&told)), (&object!(true), codes(&detail)), "{told}");
    assert!(!codes(&told).iter().any(|code| ["NO_WEBHOOK", "QUIET_HOURS"].contains(code)), "{told}");
    for (language, says) in [("en", "nothing is sent to anybody"), ("vi", "không tin nào được gửi thật")]
    {
        let plain = text(&run(&none, &[&explain[..], &["--language", language]].concat()).await.stdout);
        assert!(plain.contains(says), "{plain}");
    }

    let doctor = text(&run(&none, &command(&["doctor"])).await.stdout);
    assert!(doctor.contains("to the simulator, so that nothing is sent, there and nowhere here"), "{doctor}");
    assert!(doctor.contains("OPS_QUIET_HOURS is off there and 21:00-08:00 here"), "{doctor}");
    let migrated = run(&none, &command(&["migrate"])).await;
    assert_eq!(text(&migrated.stdout), "the database is up to date\n", "{}", text(&migrated.stderr));
    assert!(server.http.get("/readyz", &admin).await.expect(200)["simulator"] == true, "it goes on");
}

#[tokio::test]
async fn the_rules_are_those_of_the_server_that_started_last() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let own = settings(database.url(), &n8n.url());
    let mut closed = own.clone();
    closed.insert("OPS_QUIET_HOURS".to_owned(), "00:00-23:59".to_owned());
    closed.insert("WORKER_RATE_LIMIT_PER_MIN".to_owned(), "7".to_owned());
    closed.remove("N8N_WEBHOOK_URL");
    let seen = async || {
        let (_, stats) = json(&own, &["stats", "--json"]).await;
        (
            stats["limits"]["perMinute"].as_u64(),
            stats["webhookEnabled"].clone(),
            stats["quietHours"]["active"].clone(),
        )
    };
    let before = seen().await;
    assert_eq!((before.1, before.2), (object!(true), object!(false)), "no server has started yet");
    let mut server = Process::serve(&closed).await;
    assert_eq!(seen().await, (Some(7), object!(false), object!(true)));
    server.terminate();
    server.wait().await;
    assert_eq!(seen().await, (Some(7), object!(false), object!(true)), "also when it has ended");
    let (_, report) = json(&closed, &["doctor", "--json"]).await;
    assert!(report.to_string().contains("works by these settings"), "{report}");

    let _server = Process::serve(&own).await;
    assert_eq!(seen().await, (before.0, object!(true), object!(false)));
    let left: String = {
        let row = "select outbound_in_force::text from outbound_in_force";
        database.connect().await.query_one(row, &[]).await.unwrap().get(0)
    };
    assert!(!left.contains("secret") && !left.contains(&n8n.url()), "{left}");
}
