//! Workers hear that something is due.

use std::time::Duration;

use domain::actor::Actor;
use domain::message::Event;
use domain::ports::{Begin, Idempotency, NewMessage, StoredAnswer};
use storage_pg::Listener;

use crate::build::{
    fixture, happen, insert, lease, lease_id, load_one, message, message_id, morning, seconds,
};

/// Longer than any wake-up takes, so that waiting so long for one means that there is none.
const LONG: Duration = Duration::from_secs(20);

async fn woken(listener: &Listener) {
    tokio::time::timeout(LONG, listener.woken()).await.expect("a wake-up");
}

#[tokio::test]
async fn new_messages_and_requeued_ones_wake_the_workers() {
    let fixture = fixture().await;
    let listener = Listener::connect(fixture.database.url()).await.unwrap();
    insert(&fixture.store, [message(1)]).await;
    woken(&listener).await;

    let one = load_one(&fixture.store, message_id(1)).await;
    let cancelled = happen(&fixture.store, &one, Event::Cancel { by: Actor::System }, morning()).await;
    happen(&fixture.store, &cancelled, Event::Requeue { by: Actor::System }, morning() + seconds(1)).await;
    woken(&listener).await;

    let leased = lease(&fixture.store, 1, 1, morning() + seconds(2)).await.messages.remove(0);
    let released = Event::Released { lease: lease_id(1), reason: "x".to_owned() };
    happen(&fixture.store, &leased, released, morning() + seconds(3)).await;
    woken(&listener).await;
}

#[tokio::test]
async fn a_transaction_wakes_them_when_it_is_committed() {
    let fixture = fixture().await;
    let listener = Listener::connect(fixture.database.url()).await.unwrap();
    let Begin::Fresh(unit) = fixture.store.begin(None).await.unwrap() else { panic!("fresh") };
    let new = NewMessage { message: message(1), allow_duplicate: false };
    unit.stores().insert(vec![new], None).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), listener.woken()).await;
    assert!(early.is_err(), "nothing is to be seen yet");
    unit.commit(StoredAnswer(String::new())).await.unwrap();
    woken(&listener).await;
}

#[tokio::test]
async fn a_broken_listener_listens_again_and_wakes_for_what_it_missed() {
    let fixture = fixture().await;
    let listener = Listener::connect(fixture.database.url()).await.unwrap();
    let client = fixture.database.connect().await;
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query = 'listen outbound_due'";
    assert_eq!(client.query(kill, &[]).await.unwrap().len(), 1);
    woken(&listener).await;
    insert(&fixture.store, [message(1)]).await;
    woken(&listener).await;
}
