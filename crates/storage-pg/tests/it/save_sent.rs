//! Saving unread that messages went out changes a message as [`Message::apply`] does.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::MessageId;
use domain::message::{Callback, Change, Context, Event, Message, Outcome, SentReport, State, Step};
use domain::policy::retry::Jitter;
use domain::ports::{MessageReader, MessageStore};
use domain::rules::Rules;
use storage_pg::PgStore;

use crate::build::{
    Dice, Fixture, fixture, happen, insert, lease, lease_id, load_one, message, message_id, morning, seconds,
};

fn apply(message: &Message, event: Event, now: DateTime<Utc>) -> Option<Change> {
    let rules = Rules::default();
    let context = Context { now, jitter: Jitter::new(0.0), rules: &rules };
    match message.apply(event, &context) {
        Ok(Step::Moved(change)) => Some(*change),
        Ok(Step::Same(..)) | Err(_) => None,
    }
}

fn sent(provider: Option<&str>, sent_at: Option<DateTime<Utc>>) -> Callback {
    let outcome = Outcome::Sent { provider_message_id: provider.map(str::to_owned), sent_at };
    Callback { outcome, attempt: None, lease: None }
}

/// Something that may happen to a message, legal or not.
fn anything(dice: &mut Dice) -> Event {
    let lease = lease_id(1);
    let callback = |outcome| Event::Callback(Callback { outcome, attempt: None, lease: None });
    let error = "503".to_owned();
    let of_wish = [
        Event::Lease { lease, pulled: false },
        Event::Lease { lease, pulled: true },
        Event::Lease { lease, pulled: false },
        Event::Accepted { lease },
        Event::OutcomeUnknown { lease },
        Event::NotAccepted { lease, error: error.clone(), retry_after: None },
        Event::Refused { lease, error: error.clone() },
        Event::Released { lease, reason: "shutdown".to_owned() },
        Event::Expired,
        callback(Outcome::Failed { error, permanent: false }),
        callback(Outcome::Skipped { reason: "no Zalo".to_owned() }),
        Event::Callback(sent(Some("early"), None)),
        Event::Cancel { by: Actor::System },
        Event::Requeue { by: Actor::System },
    ];
    dice.pick(&of_wish).clone()
}

async fn loaded(store: &PgStore, ids: &[MessageId]) -> HashMap<MessageId, Message> {
    store.load(ids).await.unwrap().into_iter().map(|message| (message.id, message)).collect()
}

/// Messages in every state, with histories of up to six steps.
async fn anywhere(fixture: &Fixture, dice: &mut Dice, count: u128) -> Vec<MessageId> {
    let store = &fixture.store;
    insert(store, (1..=count).map(message)).await;
    let ids: Vec<MessageId> = (1..=count).map(message_id).collect();
    for step in 1..=6 {
        let now = morning() + seconds(step * 2_000);
        let stand = loaded(store, &ids).await;
        let changes: Vec<Change> =
            ids.iter().filter_map(|id| apply(&stand[id], anything(dice), now)).collect();
        store.save(&changes).await.unwrap();
    }
    ids
}

fn is_plain(message: &Message) -> bool {
    match &message.state {
        State::Leased(_) => true,
        State::Dispatched(flight) => flight.note.is_none(),
        State::Queued(_) | State::Sent(_) | State::Failed(_) | State::Skipped { .. } | State::Cancelled => {
            false
        }
    }
}

#[tokio::test]
async fn what_is_saved_unread_is_what_the_domain_does_with_the_callback() {
    let fixture = fixture().await;
    let dice = &mut Dice(0x5eed_0003);
    let ids = anywhere(&fixture, dice, 600).await;
    // Rows of the version before do not say when their message was created.
    let of_before =
        "update outbound_delivery set created_at = null where get_byte(uuid_send(message_id), 15) % 16 = 0";
    fixture.database.connect().await.batch_execute(of_before).await.unwrap();
    let before = loaded(&fixture.store, &ids).await;
    let now = morning() + seconds(100_000);
    let when = |dice: &mut Dice| {
        let at = [
            None,
            Some(now),
            Some(now + TimeDelta::minutes(5)),
            Some(now + seconds(301)),
            Some(morning() - TimeDelta::milliseconds(1_001)),
            Some(morning() - seconds(1)),
        ];
        *dice.pick(&at)
    };
    let callbacks: HashMap<MessageId, Callback> =
        ids.iter().map(|id| (*id, sent(*dice.pick(&[None, Some("zalo-1")]), when(dice)))).collect();
    let reports: Vec<SentReport> =
        ids.iter().filter_map(|id| SentReport::of(*id, &callbacks[id], now)).collect();
    let saved = fixture.store.save_sent(&reports, now).await.unwrap();
    let after = loaded(&fixture.store, &ids).await;

    let (mut done, mut left) = (0, 0);
    for (report, saved) in reports.iter().zip(saved) {
        let (id, old) = (report.id, &before[&report.id]);
        let is_of_before = id.uuid().as_bytes()[15] % 16 == 0;
        let fits = report.fits(old.created_at) && (report.created_until.is_none() || !is_of_before);
        assert_eq!(saved, is_plain(old) && fits, "{old:?} {report:?}");
        let change = apply(old, Event::Callback(callbacks[&id].clone()), now).filter(|_| saved);
        let expected = change.as_ref().map_or_else(|| old.clone(), |change| old.after(change));
        assert_eq!(after[&id], expected);
        if let Some(change) = change {
            let detail = fixture.store.detail(id, &Scope::everything()).await.unwrap().unwrap();
            assert_eq!(detail.entries.last(), change.entry.as_ref());
            done += 1;
        } else {
            left += 1;
        }
    }
    assert!(done > 50 && left > 50, "{done} saved, {left} left alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_reports_at_once_about_the_same_messages_one_is_saved() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=40).map(message)).await;
    lease(&fixture.store, 1, 40, morning()).await;
    let now = morning() + seconds(5);
    let reports: Vec<SentReport> =
        (1..=40).filter_map(|n| SentReport::of(message_id(n), &sent(None, None), now)).collect();
    let all = (0..4).map(|_| {
        let (store, reports) = (fixture.store.clone(), reports.clone());
        tokio::spawn(async move { store.save_sent(&reports, now).await.unwrap() })
    });
    let mut saved = vec![0; 40];
    for one in all.collect::<Vec<_>>() {
        for (count, is_saved) in saved.iter_mut().zip(one.await.unwrap()) {
            *count += usize::from(is_saved);
        }
    }
    assert_eq!(saved, vec![1; 40]);
    for n in 1..=40 {
        let detail = fixture.store.detail(message_id(n), &Scope::everything()).await.unwrap().unwrap();
        assert_eq!((detail.entries.len(), detail.message.revision), (1, 2));
    }
    assert_eq!(load_one(&fixture.store, message_id(1)).await.updated_at, now);
}

#[tokio::test]
async fn what_moved_after_the_time_of_the_saving_is_left_to_be_read() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1)]).await;
    lease(&fixture.store, 1, 1, morning()).await;
    let leased = load_one(&fixture.store, message_id(1)).await;
    happen(&fixture.store, &leased, Event::Accepted { lease: lease_id(1) }, morning() + seconds(5)).await;
    let save = async |second: i64| {
        let now = morning() + seconds(second);
        let report = SentReport::of(message_id(1), &sent(None, None), now).unwrap();
        fixture.store.save_sent(&[report], now).await.unwrap()
    };
    // The callback came before the hand-off was noted, and waited for a connection.
    assert_eq!(save(4).await, [false]);
    assert_eq!(save(5).await, [true]);
}

#[tokio::test]
async fn nobodys_message_is_not_saved() {
    let fixture = fixture().await;
    let report = SentReport::of(message_id(1), &sent(None, None), morning()).unwrap();
    assert_eq!(fixture.store.save_sent(&[report], morning()).await.unwrap(), [false]);
}
