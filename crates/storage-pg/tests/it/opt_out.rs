//! Whoever has opted out is never sent to (contract §8).

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{LeadId, StudentId};
use domain::message::{Context, Event, Message, Status, Step};
use domain::phone::PhoneNumber;
use domain::policy::retry::Jitter;
use domain::ports::{ContactStore, DuplicateWindow, MessageReader, MessageStore, NewMessage};
use domain::rules::Rules;
use storage_pg::PgStore;

use crate::build::{
    fixture, insert, lease, lease_id, lease_request, message, message_id, morning, numbers, with,
};

fn contact(id: ContactId, phone: Option<&str>, opted_out: &[Channel]) -> Contact {
    Contact {
        id,
        full_name: Some("Nguyễn Văn Ân".to_owned()),
        phone: phone.map(|text| PhoneNumber::parse(text).unwrap()),
        zalo_user_id: None,
        facebook_psid: None,
        owner_id: None,
        owner_name: None,
        branch_id: None,
        opted_out: opted_out.iter().copied().collect::<BTreeSet<_>>(),
    }
}

fn lead(n: u128) -> ContactId {
    ContactId::Lead(LeadId::parse(format!("lead-{n}")).unwrap())
}

async fn close(store: &PgStore, id: ContactId, phone: Option<&str>, channels: &[Channel]) {
    store.upsert_contacts(&[contact(id, phone, channels)], morning()).await.unwrap();
}

#[tokio::test]
async fn an_opt_out_stops_what_is_queued_already() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=4).map(message)).await;
    close(store, lead(2), None, &[Channel::Zalo]).await;
    close(store, lead(3), None, &[Channel::Sms]).await;
    let leased = lease(store, 1, 10, morning()).await;
    assert_eq!(numbers(&leased.messages), [1, 3, 4]);
    assert_eq!(leased.suppressed, [message_id(2)]);

    // As if the domain had leased it and then found that it is suppressed.
    let rules = Rules::default();
    let context = Context { now: morning(), jitter: Jitter::new(0.0), rules: &rules };
    let step = |message: &Message, event| match message.apply(event, &context).unwrap() {
        Step::Moved(change) => *change,
        Step::Same(why, _) => panic!("nothing changed: {why:?}"),
    };
    let queued = message(2);
    let held = queued.after(&step(&queued, Event::Lease { lease: lease_id(1), pulled: false }));
    let expected = step(&held, Event::Suppressed { lease: lease_id(1) });
    let detail = store.detail(message_id(2), &Scope::everything()).await.unwrap().unwrap();
    let found = Message { revision: expected.message.revision, ..detail.message };
    assert_eq!(found, held.after(&expected));
    assert_eq!(detail.entries, [expected.entry.unwrap()]);
}

#[tokio::test]
async fn a_limited_lease_and_a_dry_run_see_it_too() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=4).map(message)).await;
    close(&fixture.store, lead(2), None, &[Channel::Zalo]).await;
    let mut request = lease_request(1, 10, morning());
    request.limits = crate::build::limits(100, 100);
    for dry_run in [true, false] {
        request.dry_run = dry_run;
        let leased = fixture.store.lease_due(&request).await.unwrap();
        assert_eq!(
            (numbers(&leased.messages), leased.suppressed.len()),
            (vec![1, 3, 4], 1),
            "dry run: {dry_run}"
        );
    }
    let left = fixture.store.stats(&Scope::everything(), &request.limits, morning()).await.unwrap();
    assert_eq!(left.global_limit_left, Some(97), "what was not leased is not charged");
}

#[tokio::test]
async fn whoever_opted_out_before_is_skipped_at_once_and_first() {
    let fixture = fixture().await;
    let student = StudentId::parse("s1").unwrap();
    close(&fixture.store, ContactId::Student(student), Some("0901234567"), &[Channel::Zalo]).await;
    // The number alone is enough, and a suppressed message is no original that others duplicate.
    let one =
        |n| NewMessage { message: with(message(n), |content| content.lead_id = None), allow_duplicate: true };
    let window = DuplicateWindow { today: "2026-03-02".parse().unwrap(), days: 1 };
    let stored = fixture.store.insert(vec![one(1), one(2)], Some(window)).await.unwrap();
    for one in &stored {
        assert_eq!((one.status(), one.state.error()), (Status::Skipped, Some("OPTED_OUT")));
    }
    let open = fixture.store.opted_out(Channel::Sms, &["student:s1".to_owned()]).await.unwrap();
    assert_eq!(open, [] as [String; 0]);
    let keys = ["student:s1".to_owned(), "to:+84901234567".to_owned(), "lead:x".to_owned()];
    let mut closed = fixture.store.opted_out(Channel::Zalo, &keys).await.unwrap();
    closed.sort();
    assert_eq!(closed, ["student:s1", "to:+84901234567"]);
}

#[tokio::test]
async fn whoever_opted_out_is_skipped_in_every_portion_of_a_large_request() {
    let fixture = fixture().await;
    let closed = [7, 1_007, 2_500];
    for n in closed {
        close(&fixture.store, lead(n), None, &[Channel::Zalo]).await;
    }
    let all = (1..=2_500).map(|n| NewMessage { message: message(n), allow_duplicate: false });
    let stored = fixture.store.insert(all.collect(), None).await.unwrap();
    let skipped: Vec<_> = stored.iter().filter(|one| one.status() == Status::Skipped).collect();
    assert_eq!(skipped.iter().map(|one| one.id).collect::<Vec<_>>(), closed.map(message_id));
    assert!(skipped.iter().all(|one| one.state.error() == Some("OPTED_OUT")));
}

#[tokio::test]
async fn a_shared_number_opens_again_only_when_both_have_opened_it() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let phone = Some("0901234567");
    let key = ["to:+84901234567".to_owned()];
    let closed = async || !store.opted_out(Channel::Zalo, &key).await.unwrap().is_empty();
    close(store, lead(1), phone, &[Channel::Zalo]).await;
    close(store, lead(2), phone, &[Channel::Zalo]).await;
    close(store, lead(1), phone, &[]).await;
    assert!(closed().await);
    close(store, lead(2), Some("0907654321"), &[Channel::Zalo]).await;
    assert!(!closed().await, "the second has another number now, and only that is closed");
}
