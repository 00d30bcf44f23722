//! Saving changes: fenced by the revision, with their entries (lessons 4 and 8).

use domain::access::Scope;
use domain::actor::Actor;
use domain::message::{Callback, Change, Context, EntryKind, Event, Message, Outcome, Status, Step};
use domain::policy::retry::Jitter;
use domain::ports::{MessageReader, MessageStore, Saved};
use domain::rules::Rules;
use storage_pg::PgStore;

use crate::build::{fixture, insert, lease, lease_id, load_one, message, message_id, morning, seconds};

fn change(message: &Message, event: Event) -> Change {
    let rules = Rules::default();
    let context = Context { now: morning() + seconds(5), jitter: Jitter::new(0.0), rules: &rules };
    match message.apply(event, &context).unwrap() {
        Step::Moved(change) => *change,
        Step::Same(why, _) => panic!("nothing changed: {why:?}"),
    }
}

fn sent() -> Event {
    let outcome = Outcome::Sent { provider_message_id: Some("p1".to_owned()), sent_at: None };
    Event::Callback(Callback { outcome, attempt: None, lease: None })
}

async fn entries(store: &PgStore, n: u128) -> Vec<(EntryKind, Status)> {
    let detail = store.detail(message_id(n), &Scope::everything()).await.unwrap().unwrap();
    detail.entries.iter().map(|entry| (entry.kind, entry.to)).collect()
}

#[tokio::test]
async fn the_callback_that_overtakes_the_webhooks_answer_stays() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let leased = lease(&fixture.store, 1, 1, morning()).await.messages.remove(0);
    assert_eq!(fixture.store.save(&[change(&leased, sent())]).await.unwrap(), [Saved::Done]);
    let late =
        change(&leased, Event::NotAccepted { lease: lease_id(1), error: "x".to_owned(), retry_after: None });
    assert_eq!(fixture.store.save(&[late]).await.unwrap(), [Saved::Stale]);
    assert_eq!(load_one(&fixture.store, message_id(1)).await.status(), Status::Sent);
    assert_eq!(
        entries(&fixture.store, 1).await,
        [(EntryKind::Settled, Status::Sent)],
        "no entry of the stale one"
    );
}

#[tokio::test]
async fn a_batch_is_answered_in_its_own_order() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=3).map(message)).await;
    let leased = lease(&fixture.store, 1, 3, morning()).await.messages;
    fixture.store.save(&[change(&leased[1], sent())]).await.unwrap();
    let accept = |n: usize| change(&leased[n], Event::Accepted { lease: lease_id(1) });
    let answer = fixture.store.save(&[accept(2), accept(1), accept(0)]).await.unwrap();
    assert_eq!(answer, [Saved::Done, Saved::Stale, Saved::Done]);
    let of_lease = fixture.store.of_lease(lease_id(1)).await.unwrap();
    let mut flying: Vec<_> = of_lease.iter().map(|one| one.id).collect();
    flying.sort_unstable();
    assert_eq!(flying, [message_id(1), message_id(3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_read_and_saved_singly_but_at_once_is_answered_each_with_its_own() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=50).map(message)).await;
    let leased = lease(&fixture.store, 1, 50, morning()).await.messages;
    let twice = leased.iter().chain(&leased).map(|one| {
        let (store, change) = (fixture.store.clone(), change(one, sent()));
        tokio::spawn(async move {
            let id = change.message.id;
            let read = store.load(&[id]).await.unwrap();
            assert!(read.iter().map(|message| message.id).eq([id]));
            (id, store.save(&[change]).await.unwrap())
        })
    });
    let nobodys = [message_id(51)];
    let unknown = fixture.store.load(&nobodys);
    let mut done: Vec<_> = Vec::new();
    let mut stale = 0;
    for call in twice.collect::<Vec<_>>() {
        match call.await.unwrap() {
            (id, answer) if answer == [Saved::Done] => done.push(id),
            (_, answer) => {
                assert_eq!(answer, [Saved::Stale]);
                stale += 1;
            }
        }
    }
    done.sort_unstable();
    let all: Vec<_> = (1..=50).map(message_id).collect();
    assert_eq!((done, stale), (all, 50), "of two changes to a message one is saved");
    assert!(unknown.await.unwrap().is_empty());
    let saving = "select count(distinct xmin::text) from outbound_delivery";
    let saving = fixture.database.connect().await.query_one(saving, &[]).await.unwrap();
    let saving: i64 = saving.get(0);
    assert!(saving < 50, "50 changes took {saving} transactions: nothing was saved together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_parallel_callbacks_exactly_one_is_saved() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=50).map(message)).await;
    let leased = lease(&fixture.store, 1, 50, morning()).await.messages;
    let calls = (0..8).map(|n| {
        let store = fixture.store.clone();
        let mut changes: Vec<Change> = leased.iter().map(|one| change(one, sent())).collect();
        if n % 2 == 0 {
            changes.reverse();
        }
        tokio::spawn(async move { store.save(&changes).await.unwrap() })
    });
    let mut done = 0;
    for call in calls.collect::<Vec<_>>() {
        done += call.await.unwrap().iter().filter(|saved| **saved == Saved::Done).count();
    }
    assert_eq!(done, 50);
    for n in 1..=50 {
        assert_eq!(entries(&fixture.store, n).await.len(), 1);
    }
}

#[tokio::test]
async fn the_same_note_is_kept_once() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let entry = |at, detail: &str| domain::message::Entry {
        at: morning() + seconds(at),
        kind: EntryKind::Ignored,
        from: Status::Sent,
        to: Status::Sent,
        by: Actor::N8n,
        attempt: 1,
        lease: None,
        leased_at: None,
        dispatched_at: None,
        detail: Some(detail.to_owned()),
    };
    let notes = [entry(1, "FAILED: a"), entry(2, "FAILED: a"), entry(3, "FAILED: b")];
    fixture.store.note(&notes.map(|entry| (message_id(1), entry))).await.unwrap();
    fixture.store.note(&[(message_id(1), entry(9, "FAILED: b"))]).await.unwrap();
    let detail = fixture.store.detail(message_id(1), &Scope::everything()).await.unwrap().unwrap();
    let kept: Vec<_> = detail.entries.iter().filter_map(|one| one.detail.as_deref()).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
}

#[tokio::test]
async fn what_is_overdue_comes_longest_overdue_first() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=4).map(message)).await;
    for n in 1..=3 {
        lease(&fixture.store, n, 1, morning() + seconds(10 - i64::try_from(n).unwrap())).await;
    }
    let overdue = async |after| {
        let found = fixture.store.overdue(morning() + seconds(after), 10).await.unwrap();
        crate::build::numbers(&found)
    };
    assert_eq!(overdue(66).await, [] as [u128; 0]);
    assert_eq!(overdue(67).await, [3]);
    assert_eq!(overdue(100).await, [3, 2, 1], "the fourth was never leased");
    assert_eq!(fixture.store.next_due_at().await.unwrap(), Some(morning()));
}
