//! Databases for tests.
use embedded_postgres::StopMode;
use test_support::database::TestDatabase;

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    assert_ne!(one.url(), other.url());
    one.connect().await.batch_execute("create table only_here (n int)").await.unwrap();
    assert!(other.connect().await.batch_execute("select * from only_here").await.is_err());
    let applied = one.connect().await.query_one("select count(*) from __diesel_schema_migrations", &[]).await;
    assert!(applied.unwrap().get::<_, i64>(0) >= 0, "diesel's book-keeping is there");
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_with_an_open_connection() {
    let database = TestDatabase::create_empty().await;
    let name = database.url().trim_start_matches("postgresql:///").split('?').next().unwrap().to_owned();
    let client = database.connect().await;
    drop(database);
    assert!(client.batch_execute("select 1").await.is_err());
    let server = test_support::cluster::shared().await.connect("postgres").await.unwrap();
    let left = server.query_opt("select 1 from pg_database where datname = $1", &[&name]).await.unwrap();
    assert!(left.is_none());
}

#[tokio::test]
async fn a_private_cluster_can_be_restarted() {
    let mut cluster = TestDatabase::private_cluster().await;
    cluster.connect().await.batch_execute("create table t (n int); insert into t values (1)").await.unwrap();
    cluster.server.restart(StopMode::Fast).await.unwrap();
    let rows: i64 = cluster.connect().await.query_one("select count(*) from t", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1);
}
