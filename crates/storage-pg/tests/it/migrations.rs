//! Bringing databases up to date.

use domain::ports::MessageReader;
use test_support::database::TestDatabase;

use crate::build::{insert, message, message_id, store};

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

/// Undoes all migrations whose stamp is this or later, newest first.
async fn undo(client: &tokio_postgres::Client, since: &str) {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"));
    let mut downs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("down.sql")).collect();
    downs.sort();
    let stamp = |path: &std::path::Path| path.parent().unwrap().file_name().unwrap().to_owned();
    for down in downs.iter().rev().filter(|path| path.exists() && stamp(path).to_str().unwrap() >= since) {
        client.batch_execute(&std::fs::read_to_string(down).unwrap()).await.unwrap();
        let version = stamp(down).to_str().unwrap()[..17].replace('-', "");
        let forget = "delete from __diesel_schema_migrations where version = $1";
        assert_eq!(client.execute(forget, &[&version]).await.unwrap(), 1, "{version}");
    }
}

#[tokio::test]
async fn every_migration_can_be_undone() {
    let fixture = crate::build::fixture().await;
    let client = fixture.database.connect().await;
    undo(&client, "").await;
    let left = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relname like 'outbound%'";
    let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
    let functions = "select count(*) from pg_proc where proname like 'outbound%'";
    let functions: i64 = client.query_one(functions, &[]).await.unwrap().get(0);
    assert_eq!((left, functions), (0, 0));
}

/// Waits until a migration waits for a lock; answers since when.
async fn waiting(
    client: &tokio_postgres::Client,
    not: Option<std::time::SystemTime>,
) -> std::time::SystemTime {
    let ask = "select query_start from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like '%create index outbound_delivery_over%'";
    loop {
        let since = client.query_opt(ask, &[]).await.unwrap().map(|row| row.get(0));
        match since.filter(|since| Some(*since) != not) {
            Some(since) => return since,
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_can_t_have_its_lock_holds_nobody_up_for_long_and_is_made_in_the_end() {
    let fixture = crate::build::fixture().await;
    let (holder, watcher) = (fixture.database.connect().await, fixture.database.connect().await);
    // From the one that makes an index on the busiest table.
    undo(&watcher, "2026-11-23-000900").await;
    let missing = storage_pg::pending_migrations(fixture.database.url()).await.unwrap().len();
    holder.batch_execute("begin; lock table outbound_delivery in row exclusive mode").await.unwrap();
    let url = fixture.database.url().to_owned();
    let migrating = tokio::spawn(async move { storage_pg::migrate(&url).await });

    let first = waiting(&watcher, None).await;
    // A server's statements wait behind the migration, and fail if that takes longer than they may.
    let writer = fixture.database.connect().await;
    let write = "begin; lock table outbound_delivery in row exclusive mode; commit";
    writer.batch_execute("set lock_timeout = '5s'").await.unwrap();
    for _ in 0..3 {
        writer.batch_execute(write).await.unwrap();
    }
    waiting(&watcher, Some(first)).await;
    writer.batch_execute(write).await.unwrap();
    assert!(!migrating.is_finished());
    holder.batch_execute("commit").await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap().len(), missing);
    assert_eq!(storage_pg::pending_migrations(fixture.database.url()).await.unwrap(), [] as [String; 0]);
}

#[tokio::test]
async fn numbers_that_the_version_before_stored_and_stores_are_found_by_any_of_their_digits() {
    let fixture = crate::build::fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let client = fixture.database.connect().await;
    let terms = async |n| {
        let ask =
            "select array_to_string(tsvector_to_array(terms), ' ') from outbound_message where id::text = $1";
        client.query_one(ask, &[&message_id(n).to_string()]).await.unwrap().get::<_, String>(0)
    };
    let now = terms(1).await;
    undo(&client, "2026-12-01-000100").await;
    let before = terms(1).await;
    assert!(before.contains("D012 ") && now.contains("D0123 "), "{before}; {now}");
    storage_pg::migrate(fixture.database.url()).await.unwrap();
    assert_eq!(terms(1).await, now);
    // As a server of the version before calls it that is still at work.
    let stores = format!(
        "select outbound_insert_v3(false, null, null, array['{}'::uuid], array[channel], array[recipient], array[template_key],
            array[body], array[array_to_tsvector(string_to_array('{}', ' '))], null, null, null, null, null, null,
            null, null, array[created_by], array[created_at], null, array[created_at],
            array[duplicate_key], array[2::smallint], array[created_at], null, null, array[true])
         from outbound_message",
        message_id(2),
        before
    );
    client.execute(&stores, &[]).await.unwrap();
    assert_eq!(terms(2).await, now);
    // And what such a call still stored while its function was replaced.
    undo(&client, "2026-12-01-000120").await;
    let late = format!(
        "update outbound_message set terms = array_to_tsvector(string_to_array('{before}', ' ')),
            id = (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || substr(replace('{0}', '-', ''), 13))::uuid
         where id = '{0}'",
        message_id(2)
    );
    client.execute(&late, &[]).await.unwrap();
    storage_pg::migrate(fixture.database.url()).await.unwrap();
    let of_all = "select count(*), count(distinct terms) from outbound_message";
    let row = client.query_one(of_all, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1));
}
