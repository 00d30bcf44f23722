//! Commands beside a running server judge by what that works by, whatever their own environment says.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};
use test_support::database::TestDatabase;

use super::json;
use crate::process::{Process, Scratch, run, text};
use crate::support::{eventually, friendly_n8n, settings, sms};

const LEFT: &str = "select outbound_in_force::text from outbound_in_force";

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

    let stats = eventually("the server leaves word", async || {
        let (_, stats) = json(&none, &command(&["stats", "--json"])).await;
        (stats["simulator"] == true).then_some(stats)
    })
    .await;
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
    assert_eq!((&before.1, &before.2), (&object!(true), &object!(false)), "no server has started yet");
    let mut server = Process::serve(&closed).await;
    let of_the_server = (Some(7), object!(false), object!(true));
    eventually("the server leaves word", async || (seen().await == of_the_server).then_some(())).await;
    server.terminate();
    server.wait().await;
    assert_eq!(seen().await, of_the_server, "also when it has ended");
    let (_, report) = json(&closed, &["doctor", "--json"]).await;
    assert!(report.to_string().contains("works by these settings"), "{report}");

    let _server = Process::serve(&own).await;
    eventually("the next one leaves word", async || (seen().await == before).then_some(())).await;
    let left: String = database.connect().await.query_one(LEFT, &[]).await.unwrap().get(0);
    assert!(!left.contains("secret") && !left.contains(&n8n.url()), "{left}");
}

#[tokio::test]
async fn a_server_that_can_t_start_leaves_what_the_one_before_it_left() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let own = settings(database.url(), &n8n.url());
    let client = database.connect().await;
    let _server = Process::serve(&own).await;
    let left = async || client.query_opt(LEFT, &[]).await.unwrap().map(|row| row.get::<_, String>(0));
    let before = eventually("the server leaves word", left).await;

    let mut broken = own.clone();
    broken.insert("WORKER_RATE_LIMIT_PER_MIN".to_owned(), "7".to_owned());
    broken.insert("N8N_WEBHOOK_URL".to_owned(), "https://127.0.0.1:1/webhook".to_owned());
    // Without any certificate there is no client for https.
    broken.insert("SSL_CERT_FILE".to_owned(), "/dev/null".to_owned());
    let ended = run(&broken, &["serve"]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("N8N_WEBHOOK_URL"), "{}", text(&ended.stderr));
    assert_eq!(left().await, Some(before));
}

#[tokio::test]
async fn a_role_without_a_right_to_the_word_serves_and_commands_go_by_their_own_settings_and_say_so() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let client = database.connect().await;
    let name: String = client.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let role = format!("role_of_{name}");
    let grants = format!(
        "create role {role} login;
         grant all on schema public to {role};
         grant all on all tables in schema public to {role};
         grant all on all sequences in schema public to {role};
         revoke all on outbound_in_force from {role}"
    );
    client.batch_execute(&grants).await.unwrap();
    let url = database.url().replace("user=postgres", &format!("user={role}"));
    let own = settings(&url, &n8n.url());
    let server = Process::serve(&own).await;
    eventually("the log tells", async || {
        server.log().contains("settings could not be left in the database").then_some(())
    })
    .await;

    let ended = run(&own, &["stats", "--json"]).await;
    let said = text(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("warning: ") && said.contains("permission denied"), "{said}");
    let (code, report) = json(&own, &["doctor", "--json"]).await;
    assert_eq!(code, 0, "{report}");
    assert!(report.to_string().contains("permission denied"), "{report}");
    drop(server);
    client.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
}

#[tokio::test]
async fn word_of_another_version_stops_no_command() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let mut own = settings(database.url(), &n8n.url());
    own.insert("WORKER_RATE_LIMIT_PER_MIN".to_owned(), "7".to_owned());
    let row =
        r#"insert into outbound_in_force values (true, null, '{"OPS_QUIET_HOURS": "by the moon"}', now())"#;
    database.connect().await.batch_execute(row).await.unwrap();
    let ended = run(&own, &["stats", "--json"]).await;
    let said = text(&ended.stderr);
    assert!(
        ended.status.success() && said.contains("warning: ") && said.contains("OPS_QUIET_HOURS"),
        "{said}"
    );
    let stats: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&stats["limits"]["perMinute"], &stats["webhookEnabled"]), (&object!(7), &object!(true)));
}
