//! A backup of a database at work, and a server that goes on from it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use test_support::database::TestDatabase;
use test_support::scripted_n8n::{CallbackPlan, Reaction, ScriptedN8n};

use crate::process::{Process, Scratch, run, text};
use crate::support::{CALLBACK_SECRET, PATIENCE, eventually, settings, sms};

const MESSAGES: u32 = 100;

/// Runs one of PostgreSQL's programs to its end, as docs/OPERATIONS.md says.
async fn postgres_program(bin_dir: &Path, name: &str, arguments: &[&str]) {
    let mut command = Command::new(bin_dir.join(name));
    command.args(arguments);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{name}: {}", text(&ended.stderr));
}

async fn serve(url: &str, n8n: &ScriptedN8n) -> Process {
    let mut values = settings(url, &n8n.url());
    for (name, value) in [
        ("WORKER_INTERVAL_SECONDS", "1"),
        ("N8N_TIMEOUT_SECONDS", "1"),
        ("WORKER_LEASE_SECONDS", "6"),
        ("CALLBACK_TIMEOUT_SECONDS", "2"),
    ] {
        values.insert(name.to_owned(), value.to_owned());
    }
    let server = Process::serve(&values).await;
    n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
    server
}

/// Each message's failure kind or status, by id.
async fn standing(server: &Process) -> HashMap<String, String> {
    let path = "/api/outbound/messages?pageSize=100";
    let list = server.http.get(path, &server.http.admin()).await.expect(200);
    let word = |message: &Value| {
        let word = message["failureKind"].as_str().or(message["status"].as_str());
        (message["id"].as_str().unwrap().to_owned(), word.unwrap().to_owned())
    };
    list["items"].as_array().unwrap().iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_a_restored_backup_repeats_what_it_can_t_know_of_with_the_same_key_and_loses_nothing_of_it()
 {
    let cluster = TestDatabase::private_cluster().await;
    let slow = |_: &_| Reaction::accepted().slowly(Duration::from_millis(20)).then(CallbackPlan::sent());
    let n8n = ScriptedN8n::start(slow).await.unwrap();
    let mut server = serve(cluster.url(), &n8n).await;
    let mut before = HashSet::new();
    for number in 0..MESSAGES {
        before.insert(server.http.create(sms(number)).await);
    }
    n8n.wait_until(|log| !log.hand_offs.is_empty(), PATIENCE).await.unwrap();

    let folder = Scratch::new("backup");
    let file = folder.path().join("outbound.dump");
    let (file, bin_dir) = (file.to_str().unwrap(), cluster.server.bin_dir());
    postgres_program(bin_dir, "pg_dump", &["--format=custom", "--file", file, "--dbname", cluster.url()])
        .await;
    let after = server.http.create(sms(MESSAGES)).await;
    server.http.wait_for_status(&after, "SENT").await;
    eventually("all are SENT", async || {
        (server.http.count("SENT").await == u64::from(MESSAGES) + 1).then_some(())
    })
    .await;
    let sent_before = n8n.log().hand_offs.len();
    server.kill();

    cluster.server.address().create_database("restored").await.unwrap();
    let restored = cluster.server.url("restored");
    postgres_program(bin_dir, "pg_restore", &["--no-owner", "--exit-on-error", "--dbname", &restored, file])
        .await;
    let doctor = run(&settings(&restored, &n8n.url()), &["doctor"]).await;
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    let server = serve(&restored, &n8n).await;
    let standing = eventually("nothing is under way", async || {
        let standing = standing(&server).await;
        standing.values().all(|word| matches!(word.as_str(), "SENT" | "HELD")).then_some(standing)
    })
    .await;

    assert_eq!(
        standing.keys().cloned().collect::<HashSet<_>>(),
        before,
        "all that the backup saw, and no more"
    );
    let log = n8n.log();
    let again = &log.hand_offs[sent_before..];
    assert!(!again.is_empty(), "the backup was made while messages waited");
    let first: HashMap<&str, &str> = log
        .hand_offs
        .iter()
        .rev()
        .map(|one| (one.message_id.as_str(), one.idempotency_key.as_str()))
        .collect();
    for one in again {
        assert_eq!(one.idempotency_key, first[one.message_id.as_str()], "N8N can tell that it is a repeat");
    }
    let held = standing.values().filter(|word| *word == "HELD").count();
    println!("{} of {MESSAGES} repeated, {held} held", again.len());
}
