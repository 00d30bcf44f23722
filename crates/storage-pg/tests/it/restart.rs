//! PostgreSQL comes and goes.

use domain::ports::{MessageReader, MessageStore, StoreError};
use embedded_postgres::StopMode;
use storage_pg::PgStore;
use test_support::database::TestDatabase;

use crate::build::{insert, load_one, message, message_id, store};

/// Fills the pool with open connections.
async fn warm(store: &PgStore) {
    let calls = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.next_due_at().await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn after_a_restart_the_next_call_works() {
    let mut cluster = TestDatabase::private_cluster().await;
    let store = store(cluster.url(), 4).await;
    insert(&store, [message(1)]).await;
    for mode in [StopMode::Fast, StopMode::Immediate] {
        warm(&store).await;
        cluster.server.restart(mode).await.unwrap();
        assert_eq!(load_one(&store, message_id(1)).await, message(1));
        warm(&store).await;
    }
}

#[tokio::test]
async fn while_it_is_down_calls_say_so_and_afterwards_they_work_again() {
    let mut cluster = TestDatabase::private_cluster().await;
    let store = store(cluster.url(), 4).await;
    insert(&store, [message(1)]).await;
    warm(&store).await;
    cluster.server.halt(StopMode::Fast).await.unwrap();
    for _ in 0..6 {
        let error = store.load(&[message_id(1)]).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    }
    cluster.server.resume().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(load_one(&store, message_id(1)).await, message(1));
}

#[tokio::test]
async fn locks_and_time_outs_are_told_apart_from_refusals() {
    let fixture = crate::build::fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let client = fixture.database.connect().await;
    client.batch_execute("alter table outbound_message rename to elsewhere").await.unwrap();
    let error = fixture.store.load(&[message_id(1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    client.batch_execute("alter table elsewhere rename to outbound_message").await.unwrap();
    client.batch_execute("begin; lock table outbound_message in access exclusive mode").await.unwrap();
    let error = fixture.store.load(&[message_id(1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
}
