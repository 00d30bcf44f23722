//! Bringing databases up to date.

use domain::ports::MessageReader;
use test_support::database::TestDatabase;

use crate::build::store;

#[tokio::test]
async fn four_at_once_on_an_empty_database_migrate_it_once() {
    // On a single-threaded runtime, as every `#[actix_web::main]` is.
    let database = TestDatabase::create_empty().await;
    let missing = storage_pg::pending_migrations(database.url()).await.unwrap();
    assert!(missing.len() >= 8, "{missing:?}");
    let calls = (0..4).map(|_| {
        let url = database.url().to_owned();
        tokio::spawn(async move { storage_pg::migrate(&url).await.unwrap().len() })
    });
    let mut applied = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        applied.push(call.await.unwrap());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, missing.len()]);
    assert_eq!(storage_pg::pending_migrations(database.url()).await.unwrap(), [] as [String; 0]);
    assert_eq!(store(database.url(), 2).await.next_due_at().await.unwrap(), None);
}

#[tokio::test]
async fn the_tests_own_template_is_what_the_program_would_make() {
    let fixture = crate::build::fixture().await;
    assert_eq!(storage_pg::pending_migrations(fixture.database.url()).await.unwrap(), [] as [String; 0]);
    assert_eq!(storage_pg::migrate(fixture.database.url()).await.unwrap(), [] as [String; 0]);
}

#[tokio::test]
async fn every_migration_can_be_undone() {
    let fixture = crate::build::fixture().await;
    let client = fixture.database.connect().await;
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"));
    let mut downs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("down.sql")).collect();
    downs.sort();
    for down in downs.iter().rev().filter(|path| path.exists()) {
        client.batch_execute(&std::fs::read_to_string(down).unwrap()).await.unwrap();
    }
    let left = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relname like 'outbound%'";
    let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
    let functions = "select count(*) from pg_proc where proname like 'outbound%'";
    let functions: i64 = client.query_one(functions, &[]).await.unwrap().get(0);
    assert_eq!((left, functions), (0, 0));
}
