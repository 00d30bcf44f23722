//! `outbound migrate`.

use std::collections::BTreeMap;

use test_support::database::TestDatabase;

use crate::process::{run, text};

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
