//! `serve --demo`: what it prints works when it is pasted.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use test_support::database::TestDatabase;

use crate::process::{Process, Scratch, text};
use crate::support::{eventually, friendly_n8n, settings};

/// What the demo printed from "paste" on, without the empty lines.
fn commands(printed: &str) -> Vec<String> {
    let (_, commands) = printed.split_once("paste into another terminal").unwrap();
    commands.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The token that was printed for somebody.
fn token(printed: &str, whose: &str) -> String {
    let line = printed.lines().find(|line| line.trim_start().starts_with(whose)).unwrap();
    line.split(' ').next_back().unwrap().to_owned()
}

#[tokio::test]
async fn the_three_printed_commands_send_a_message_and_the_demo_has_every_status() {
    let folder = Scratch::new("demo");
    let options = ["--demo", "--bind", "127.0.0.1:0", "--data-dir", folder.text()];
    let mut server = Process::start(&BTreeMap::new(), &options).await;
    let printed = eventually("it greets", async || {
        let printed = server.printed();
        (printed.matches("curl").count() == 3).then_some(printed)
    })
    .await;
    assert!(printed.contains("NOTHING IS SENT") && server.log().contains("NOTHING IS SENT"));
    let (admin, telesales) = (token(&printed, "admin"), token(&printed, "telesales"));

    let total = async |query: &str, token: &str| {
        let path = format!("/api/outbound/messages?pageSize=1&{query}");
        server.http.get(&path, token).await.expect(200)["total"].as_u64().unwrap()
    };
    for (status, least) in
        [("QUEUED", 15), ("SENT", 40), ("FAILED", 8), ("SKIPPED", 6), ("CANCELLED", 2), ("DISPATCHED", 2)]
    {
        let found = total(&format!("status={status}"), &admin).await;
        assert!(found >= least, "{found} {status}");
    }
    let all = total("", &admin).await;
    assert!((100..=140).contains(&all), "{all}");
    let own = total("", &telesales).await;
    assert!(own > 10 && own < all / 2, "{own}");

    let commands = commands(&printed);
    assert_eq!(commands.len(), 3, "{commands:?}");
    let script = commands.join("\n");
    // Twice: a second try must work as well as the first.
    for _ in 0..2 {
        let script = script.clone();
        let pasted =
            tokio::task::spawn_blocking(move || Command::new("bash").args(["-c", &script]).output().unwrap());
        let pasted = pasted.await.unwrap();
        let answers = text(&pasted.stdout);
        let mut lines = answers.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("queued: 0")), "{answers}");
        let report: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert!(report["processed"].as_u64() > Some(0), "{report}");
        let message: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(message["outboundMessage"]["status"], "SENT", "{message}");
        assert_eq!(message["timeline"].as_array().unwrap().len(), 4, "{message}");
    }

    // A second start finds what is there and adds nothing.
    let all = total("", &admin).await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
    let server = Process::start(&BTreeMap::new(), &options).await;
    let path = "/api/outbound/messages?pageSize=1";
    assert_eq!(server.http.get(path, &admin).await.expect(200)["total"].as_u64(), Some(all));
}

#[tokio::test]
async fn a_demo_with_an_n8n_hands_off_to_that_and_simulates_nothing() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let server = Process::start(&settings(database.url(), &n8n.url()), &["--demo"]).await;
    n8n.call_back_to([server.callback_url()], crate::support::CALLBACK_SECRET);
    let printed = eventually("it greets", async || {
        let printed = server.printed();
        (printed.matches("curl").count() == 3).then_some(printed)
    })
    .await;
    assert!(!printed.contains("NOTHING IS SENT") && !server.log().contains("NOTHING IS SENT"), "{printed}");
    let admin = server.http.admin();
    let stats = server.http.get("/api/outbound/stats", &admin).await.expect(200);
    assert_eq!((&stats["simulator"], &stats["webhookEnabled"]), (&json!(false), &json!(true)));
    let report = server.http.run_worker(json!({"batchSize": 5})).await;
    assert_eq!((report.get("simulator"), n8n.log().hand_offs.len()), (None, 5), "{report}");
}
