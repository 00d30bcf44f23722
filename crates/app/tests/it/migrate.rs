//! `outbound migrate`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use test_support::database::TestDatabase;
use tokio::task::JoinHandle;

use crate::process::{Process, run, text};
use crate::support::{CALLBACK_SECRET, Http, eventually, friendly_n8n, settings, sms};

/// Migrations that add, and that a server serves without as well as one of the release before them does.
const EXPANDING: [&str; 2] = ["2026-11-28-000500_stuck", "2026-11-28-000600_audit"];
const CLIENTS: u32 = 4;
/// So many are answered between two steps.
const MEANWHILE: u32 = 100;

/// Brings the database back to before these migrations.
async fn undo(client: &tokio_postgres::Client) {
    for name in EXPANDING.iter().rev() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(name);
        client.batch_execute(&std::fs::read_to_string(folder.join("down.sql")).unwrap()).await.unwrap();
        let version = name.split('_').next().unwrap().replace('-', "");
        let forget = "delete from __diesel_schema_migrations where version = $1";
        assert_eq!(client.execute(forget, &[&version]).await.unwrap(), 1, "{name}");
    }
}

/// People who create message after message, each of which must be taken.
struct Load {
    answered: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(http: &Http) -> Self {
        let (answered, over) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
        let clients = (0..CLIENTS).map(|client| {
            let (http, answered, over) = (http.clone(), Arc::clone(&answered), Arc::clone(&over));
            tokio::spawn(async move {
                let mut number = client * 1_000_000;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    http.post("/api/outbound/messages", &http.admin(), &sms(number)).await.expect(201);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self { clients: clients.collect(), answered, over }
    }

    /// Waits until some more were answered.
    async fn goes_on(&self, what: &str) {
        let enough = self.answered.load(Ordering::Relaxed) + MEANWHILE;
        eventually(what, async || {
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            assert!(!failed, "a request failed: {what}");
            (self.answered.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
    }

    /// Ends it; how many were answered.
    async fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        u64::from(self.answered.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_migrated_under_a_server_at_work_without_a_failed_request_or_a_doubled_hand_off() {
    let database = TestDatabase::create().await;
    let n8n = friendly_n8n().await;
    let mut values = settings(database.url(), &n8n.url());
    values.insert("WORKER_INTERVAL_SECONDS".to_owned(), "1".to_owned());
    let mut server = Process::serve(&values).await;
    n8n.call_back_to([server.callback_url()], CALLBACK_SECRET);
    let client = database.connect().await;
    undo(&client).await;

    let load = Load::on(&server.http);
    load.goes_on("before").await;
    // A report that writes, and that takes its time: the migration can't have its lock, and must hold nobody up for it.
    let mut other = database.connect().await;
    let report = other.transaction().await.unwrap();
    report.batch_execute("lock table outbound_delivery in row exclusive mode").await.unwrap();
    let migrating = {
        let values = values.clone();
        tokio::spawn(async move { run(&values, &["migrate"]).await })
    };
    let waits = "select count(*) from pg_locks where relation = 'outbound_delivery'::regclass and not granted
                 and mode = 'ShareLock'";
    eventually("the migration waits for its lock", async || {
        (client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) > 0).then_some(())
    })
    .await;
    load.goes_on("while the migration can't go on").await;
    assert!(!migrating.is_finished());
    report.commit().await.unwrap();
    let migrated = migrating.await.unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    for name in EXPANDING {
        assert!(text(&migrated.stdout).contains(&name.split('_').next().unwrap().replace('-', "")), "{name}");
    }
    load.goes_on("afterwards").await;
    let answered = load.end().await;

    eventually("all are SENT", async || (server.http.count("SENT").await == answered).then_some(())).await;
    let log = n8n.log();
    assert_eq!((log.hand_offs.len() as u64, log.repeated_keys()), (answered, Vec::new()));
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    assert!(!server.log().contains("request failed") && !server.log().contains("could not be served"));
}

#[tokio::test]
async fn any_number_of_processes_may_migrate_at_once() {
    let database = TestDatabase::create_empty().await;
    let values = BTreeMap::from([("DATABASE_URL".to_owned(), database.url().to_owned())]);
    let at_once = [(); 5].map(|()| {
        let values = values.clone();
        tokio::spawn(async move { run(&values, &["migrate"]).await })
    });
    let mut printed = Vec::new();
    for process in at_once {
        let ended = process.await.unwrap();
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        printed.push(text(&ended.stdout));
    }
    let applied = printed.iter().filter(|said| said.starts_with("applied: ")).count();
    let up_to_date = printed.iter().filter(|said| said.as_str() == "the database is up to date\n").count();
    assert_eq!((applied, up_to_date), (1, 4), "{printed:?}");
    let templates = database.connect().await.query_one("select count(*) from outbound_template", &[]).await;
    assert!(templates.is_ok_and(|row| row.get::<_, i64>(0) == 3));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_one_plain_line() {
    let values =
        BTreeMap::from([("DATABASE_URL".to_owned(), "postgresql://me:hush@127.0.0.1:1/x".to_owned())]);
    let ended = run(&values, &["migrate"]).await;
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1));
    assert!(said.lines().count() == 1 && said.starts_with("error: ") && !said.contains("hush"), "{said}");
}
