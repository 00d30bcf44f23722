//! Without DATABASE_URL: a private PostgreSQL, with secrets that were made up for it.

use std::collections::BTreeMap;

use test_support::database::TestDatabase;

use crate::process::{Process, Scratch, outbound, run, text};
use crate::support::{friendly_n8n, settings, sms};

/// A token by `outbound token`.
async fn token(folder: &Scratch) -> String {
    let arguments = ["--data-dir", folder.text(), "token", "--role", "admin", "--sub", "boss", "--ttl", "1h"];
    let printed = run(&BTreeMap::new(), &arguments).await;
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    text(&printed.stdout).trim().to_owned()
}

#[tokio::test]
async fn with_a_database_of_its_owner_s_no_private_one_is_made_and_no_secret_made_up() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let folder = Scratch::new("own-database");
    let data_dir = folder.path().join("data");
    let options = ["--data-dir", data_dir.to_str().unwrap()];
    let mut server = Process::start(&settings(database.url(), &n8n.url()), &options).await;
    server.http.create(sms(1)).await;
    assert!(!data_dir.exists() && !server.log().contains("a private PostgreSQL"), "{}", server.log());
    server.terminate();
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
    assert!(!data_dir.exists());
}

#[tokio::test]
async fn without_postgresql_s_programs_the_server_says_in_one_line_how_to_install_them() {
    let folder = Scratch::new("no-programs");
    let none = folder.path().join("none");
    std::fs::create_dir(&none).unwrap();
    let values = BTreeMap::from([("PG_BIN_DIR".to_owned(), none.to_str().unwrap().to_owned())]);
    let mut serve = outbound(&BTreeMap::new());
    serve.envs(&values).args(["--data-dir", folder.text(), "serve", "--bind", "127.0.0.1:0"]);
    let ended = tokio::task::spawn_blocking(move || serve.output().unwrap()).await.unwrap();
    let said = text(&ended.stderr);
    assert_eq!((ended.status.code(), said.lines().count(), ended.stdout.len()), (Some(1), 1, 0), "{said}");
    assert!(said.starts_with("error: ") && said.contains("apt-get install postgresql"), "{said}");
}

#[tokio::test]
async fn data_and_secrets_outlive_kill_9() {
    let folder = Scratch::new("embedded");
    let options = ["--bind", "127.0.0.1:0", "--data-dir", folder.text()];
    let mut server = Process::start(&BTreeMap::new(), &options).await;
    let admin = token(&folder).await;
    let created = server.http.post("/api/outbound/messages", &admin, &sms(7)).await.expect(201);
    let path = format!("/api/outbound/messages/{}", created["outboundMessage"]["id"].as_str().unwrap());

    // A second server in the same folder is turned away, and the first goes on.
    let mut second = outbound(&BTreeMap::new());
    second.args(["--data-dir", folder.text(), "serve", "--bind", "127.0.0.1:0"]);
    let second = tokio::task::spawn_blocking(move || second.output().unwrap()).await.unwrap();
    assert!(!second.status.success() && text(&second.stderr).contains("in use"), "{}", text(&second.stderr));

    // A command beside it finds its database, and what the server knows.
    let id = created["outboundMessage"]["id"].as_str().unwrap();
    let told = run(&BTreeMap::new(), &["--data-dir", folder.text(), "explain", id]).await;
    assert!(text(&told.stdout).contains("NO_WEBHOOK"), "{}", text(&told.stderr));

    server.kill();
    let mut server = Process::start(&BTreeMap::new(), &options).await;
    let found = server.http.get(&path, &admin).await.expect(200);
    assert_eq!(found["outboundMessage"]["status"], "QUEUED");
    assert!(server.log().contains("N8N_WEBHOOK_URL is not set"), "{}", server.log());
    server.terminate();
    assert_eq!(server.wait().await, Some(0), "{}", server.log());
}
