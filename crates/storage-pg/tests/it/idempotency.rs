//! A request that comes twice is done once (lessons 6 and 7).

use chrono::TimeDelta;
use domain::ports::{
    Begin, Claim, Idempotency, MessageStore, NewMessage, Reserved, StoredAnswer, UnitOfWork,
};
use storage_pg::PgStore;

use crate::build::{fixture, message, message_id, morning};

fn claim(body: &str) -> Claim {
    Claim {
        key: "k".to_owned(),
        route: "POST /x".to_owned(),
        actor: "user:u1".to_owned(),
        fingerprint: body.as_bytes().to_vec(),
        now: morning(),
        expires_at: morning() + TimeDelta::hours(72),
    }
}

fn answer(text: &str) -> StoredAnswer {
    StoredAnswer(text.to_owned())
}

async fn fresh(store: &PgStore, claim: Option<&Claim>) -> Box<dyn UnitOfWork> {
    match store.begin(claim).await.unwrap() {
        Begin::Fresh(unit) => unit,
        Begin::Replay(_) | Begin::OtherBody | Begin::Running => panic!("not fresh"),
    }
}

async fn insert_one(unit: &dyn UnitOfWork, n: u128) {
    let new = NewMessage { message: message(n), allow_duplicate: false };
    unit.stores().insert(vec![new], None).await.unwrap();
}

/// What beginning again says, in a word.
async fn again(store: &PgStore, claim: &Claim) -> String {
    match store.begin(Some(claim)).await.unwrap() {
        Begin::Fresh(_) => "fresh".to_owned(),
        Begin::Replay(answer) => answer.0,
        Begin::OtherBody => "other body".to_owned(),
        Begin::Running => "running".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_four_at_once_one_does_the_work_and_the_others_get_its_answer() {
    let fixture = fixture().await;
    let calls = (1..=4).map(|n| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            match store.begin(Some(&claim("a"))).await.unwrap() {
                Begin::Fresh(unit) => {
                    insert_one(&*unit, n).await;
                    unit.commit(answer(&format!("made {n}"))).await.unwrap();
                    (true, format!("made {n}"))
                }
                Begin::Replay(answer) => (false, answer.0),
                Begin::OtherBody | Begin::Running => panic!("they wait for the first"),
            }
        })
    });
    let mut said = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        said.push(call.await.unwrap());
    }
    assert_eq!(said.iter().filter(|(worked, _)| *worked).count(), 1);
    assert!(said.iter().all(|(_, answer)| *answer == said[0].1), "{said:?}");
    let ids: Vec<_> = (1..=4).map(message_id).collect();
    assert_eq!(fixture.store.load(&ids).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_committed_leaves_nothing_and_frees_the_key() {
    let fixture = fixture().await;
    let unit = fresh(&fixture.store, Some(&claim("a"))).await;
    insert_one(&*unit, 1).await;
    drop(unit);
    let unit = fresh(&fixture.store, Some(&claim("b"))).await;
    assert!(unit.stores().load(&[message_id(1)]).await.unwrap().is_empty());
    unit.commit(answer("done")).await.unwrap();
    assert_eq!(again(&fixture.store, &claim("b")).await, "done");
    assert_eq!(again(&fixture.store, &claim("a")).await, "other body");
}

#[tokio::test]
async fn a_connection_comes_back_clean_from_a_dropped_transaction() {
    let database = test_support::database::TestDatabase::create().await;
    let store = crate::build::store(database.url(), 1).await;
    for n in 1..=3 {
        let unit = fresh(&store, None).await;
        insert_one(&*unit, n).await;
        if n == 2 {
            // A broken statement leaves the transaction unusable; the connection must not stay so.
            insert_one(&*unit, 9).await;
            let twice = NewMessage { message: message(9), allow_duplicate: false };
            unit.stores().insert(vec![twice], None).await.unwrap_err();
        }
        drop(unit);
        assert!(store.load(&[message_id(n)]).await.unwrap().is_empty());
    }
    let unit = fresh(&store, None).await;
    insert_one(&*unit, 4).await;
    unit.commit(answer("")).await.unwrap();
    assert_eq!(store.load(&[message_id(4)]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_time_is_over() {
    let fixture = fixture().await;
    fresh(&fixture.store, Some(&claim("a"))).await.commit(answer("first")).await.unwrap();
    let mut later = claim("b");
    later.now = claim("a").expires_at;
    later.expires_at = later.now + TimeDelta::hours(72);
    assert_eq!(again(&fixture.store, &claim("b")).await, "other body");
    fresh(&fixture.store, Some(&later)).await.commit(answer("second")).await.unwrap();
    assert_eq!(again(&fixture.store, &later).await, "second");
    let others = Claim { actor: "user:u2".to_owned(), ..claim("a") };
    assert_eq!(again(&fixture.store, &others).await, "fresh", "another's key of the same name");
}

#[tokio::test]
async fn reserved_work_is_running_until_it_is_finished_released_or_dead() {
    let fixture = fixture().await;
    let store = &fixture.store;
    assert_eq!(store.reserve(&claim("a")).await.unwrap(), Reserved::Fresh);
    assert_eq!(store.reserve(&claim("a")).await.unwrap(), Reserved::Running);
    assert_eq!(store.reserve(&claim("b")).await.unwrap(), Reserved::OtherBody);
    assert_eq!(again(store, &claim("a")).await, "running");

    store.release(&claim("a")).await.unwrap();
    assert_eq!(store.reserve(&claim("b")).await.unwrap(), Reserved::Fresh);

    let mut much_later = claim("c");
    much_later.now = morning() + TimeDelta::minutes(10);
    assert_eq!(store.reserve(&much_later).await.unwrap(), Reserved::Fresh, "its process died");
    // The dead one wakes up: its answer must not become the other's.
    store.finish(&claim("b"), answer("late")).await.unwrap();
    assert_eq!(store.reserve(&much_later).await.unwrap(), Reserved::Running);
    store.finish(&much_later, answer("done")).await.unwrap();
    store.release(&much_later).await.unwrap();
    assert_eq!(store.reserve(&much_later).await.unwrap(), Reserved::Replay(answer("done")));
}
