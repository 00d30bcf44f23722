//! What is forgotten is over and old, and goes in small steps along an index.

use chrono::TimeDelta;
use domain::actor::Actor;
use domain::message::{Callback, Event, Message, Outcome, SkipReason, Status};
use domain::ports::{Begin, Claim, Housekeeping, Idempotency, MessageStore, RunStore, StoredAnswer};
use storage_pg::PgStore;

use crate::build::{
    Fixture, fixture, happen, insert, lease, lease_request, limits, message, message_id, morning, numbers,
    owned, seconds,
};

fn called_back(outcome: Outcome) -> Event {
    Event::Callback(Callback { outcome, attempt: None, lease: None })
}

fn failed(permanent: bool) -> Event {
    called_back(Outcome::Failed { error: "busy".to_owned(), permanent })
}

fn sent() -> Event {
    called_back(Outcome::Sent { provider_message_id: None, sent_at: None })
}

async fn left(store: &PgStore, ids: std::ops::RangeInclusive<u128>) -> Vec<u128> {
    let ids: Vec<_> = ids.map(message_id).collect();
    let mut left = numbers(&store.load(&ids).await.unwrap());
    left.sort_unstable();
    left
}

async fn rows(fixture: &Fixture, table: &str) -> i64 {
    let client = fixture.database.connect().await;
    client.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn only_messages_that_are_over_and_old_are_purged_with_their_timelines() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=8).map(message)).await;
    insert(store, [message(9).skipped(SkipReason::DuplicateToday)]).await;
    let leased: Vec<Message> = lease(store, 1, 6, morning()).await.messages;
    let [a, b, c, d, e, _] = leased.as_slice() else { panic!("{leased:?}") };
    happen(store, a, sent(), morning()).await;
    happen(store, b, failed(true), morning()).await;
    happen(store, c, failed(false), morning()).await;
    let accepted = Event::Accepted { lease: crate::build::lease_id(1) };
    happen(store, d, accepted.clone(), morning()).await;
    let unanswered = happen(store, e, accepted, morning()).await;
    happen(store, &unanswered, Event::Expired, morning() + seconds(900)).await;
    happen(store, &message(7), Event::Cancel { by: Actor::System }, morning()).await;
    // 1 sent, 2 dead, 3 waits for its retry, 4 dispatched, 5 held, 6 leased, 7 cancelled, 8 queued, 9 skipped.
    let statuses: Vec<Status> =
        store.load(&[message_id(5), message_id(6)]).await.unwrap().iter().map(Message::status).collect();
    assert!(statuses.contains(&Status::Failed) && statuses.contains(&Status::Leased));

    assert_eq!(store.purge_messages(morning(), 10).await.unwrap(), 0, "nothing is older");
    let later = morning() + TimeDelta::days(365);
    assert_eq!(store.purge_messages(later, 3).await.unwrap(), 3, "no more than asked for");
    assert_eq!(store.purge_messages(later, 3).await.unwrap(), 1);
    assert_eq!(store.purge_messages(later, 3).await.unwrap(), 0);
    assert_eq!(left(store, 1..=9).await, [3, 4, 5, 6, 8]);
    assert_eq!((rows(&fixture, "outbound_message").await, rows(&fixture, "outbound_delivery").await), (5, 5));
    let orphans =
        "outbound_event e where not exists (select from outbound_message m where m.id = e.message_id)";
    assert_eq!(rows(&fixture, orphans).await, 0);
    assert!(rows(&fixture, "outbound_event").await > 0, "the others keep their timelines");
}

#[tokio::test]
async fn the_longest_unchanged_go_first_and_what_somebody_holds_is_not_waited_for() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=4).map(message)).await;
    for n in 1..=4 {
        let at = morning() + seconds(10 - i64::try_from(n).unwrap());
        happen(store, &message(n), Event::Cancel { by: Actor::System }, at).await;
    }
    let holder = fixture.database.connect().await;
    let held = message_id(4);
    holder
        .batch_execute(&format!(
            "begin; select from outbound_delivery where message_id = '{held}' for update"
        ))
        .await
        .unwrap();
    let later = morning() + TimeDelta::days(1);
    assert_eq!(store.purge_messages(later, 2).await.unwrap(), 2);
    assert_eq!(left(store, 1..=4).await, [1, 4]);
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(store.purge_messages(later, 2).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_that_tidy_at_once_share_the_work() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=1_000).map(|n| message(n).skipped(SkipReason::OptedOut))).await;
    let calls = (0..4).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let mut total = 0;
            loop {
                match store.purge_messages(morning() + seconds(1), 50).await.unwrap() {
                    0 => return total,
                    done => total += done,
                }
            }
        })
    });
    let mut total = 0;
    for call in calls.collect::<Vec<_>>() {
        total += call.await.unwrap();
    }
    assert_eq!((total, rows(&fixture, "outbound_message").await), (1_000, 0));
}

#[tokio::test]
async fn runs_go_when_they_are_old_and_none_of_their_messages_is_under_way() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=3).map(message)).await;
    for n in 1..=3 {
        lease(store, n, 1, morning() + seconds(i64::try_from(n).unwrap())).await;
    }
    let settled = store.load(&[message_id(1), message_id(3)]).await.unwrap();
    for one in &settled {
        happen(store, one, sent(), morning() + seconds(5)).await;
    }
    assert_eq!(store.purge_runs(morning() + seconds(3), 10).await.unwrap(), 1, "the third is too young");
    let runs: Vec<_> = store.runs(10).await.unwrap().iter().map(|run| run.lease).collect();
    assert_eq!(runs, [crate::build::lease_id(3), crate::build::lease_id(2)]);
}

#[tokio::test]
async fn windows_go_when_nothing_in_them_counts_and_no_limit_is_overshot() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let each_has_two = (1..=6).map(|n| owned(n, ["a", "b", "c"][(n as usize - 1) / 2]));
    insert(store, each_has_two).await;
    let mut request = lease_request(1, 1, morning());
    request.limits = limits(100, 1);
    assert_eq!(numbers(&store.lease_due(&request).await.unwrap().messages), [1]);
    (request.lease, request.now) = (crate::build::lease_id(2), morning() + seconds(60));
    assert_eq!(numbers(&store.lease_due(&request).await.unwrap().messages), [3]);
    assert_eq!(store.prune_windows(10).await.unwrap(), 0, "the first still counts");

    (request.lease, request.now) = (crate::build::lease_id(3), morning() + seconds(61));
    assert_eq!(numbers(&store.lease_due(&request).await.unwrap().messages), [2], "it counts no more");
    (request.lease, request.now) = (crate::build::lease_id(4), morning() + seconds(121));
    assert_eq!(numbers(&store.lease_due(&request).await.unwrap().messages), [4]);
    assert_eq!(store.prune_windows(10).await.unwrap(), 0);
    (request.lease, request.now) = (crate::build::lease_id(5), morning() + seconds(122));
    assert_eq!(numbers(&store.lease_due(&request).await.unwrap().messages), [5]);
    assert_eq!(store.prune_windows(10).await.unwrap(), 1, "that of the first owner");
    assert_eq!(rows(&fixture, "outbound_rate_window where key = ''").await, 1);
    assert_eq!(rows(&fixture, "outbound_rate_window").await, 3);
}

#[tokio::test]
async fn keys_are_forgotten_when_they_expire() {
    let fixture = fixture().await;
    let store = &fixture.store;
    for n in 0..5 {
        let claim = Claim {
            key: format!("key-{n}"),
            route: "POST /api/outbound/messages".to_owned(),
            actor: "u1".to_owned(),
            fingerprint: vec![1],
            now: morning(),
            expires_at: morning() + TimeDelta::hours(n),
        };
        let Begin::Fresh(unit) = store.begin(Some(&claim)).await.unwrap() else { panic!("not fresh") };
        unit.commit(StoredAnswer("{}".to_owned())).await.unwrap();
    }
    let now = morning() + TimeDelta::hours(2);
    assert_eq!(store.forget_answers(now, 2).await.unwrap(), 2);
    assert_eq!(store.forget_answers(now, 2).await.unwrap(), 1);
    assert_eq!(store.forget_answers(now, 2).await.unwrap(), 0);
    assert_eq!(rows(&fixture, "outbound_idempotency").await, 2);
}

/// 30,000 messages that are over, 1,200 of them old; as many that wait.
const FILL: &str = "
    drop index outbound_message_terms;
    create temporary table filling as
    select md5(n::text)::uuid as id, n, n % 2 = 0 as over from generate_series(1, 60000) as n;
    insert into outbound_message (id, channel, body, created_by, created_at, duplicate_key, local_day, terms)
    select id, 'ZALO', 'x', 'system', '2020-01-01Z', id, '2020-01-01', '' from filling;
    insert into outbound_delivery (message_id, status, priority, channel, owner_id, next_attempt_at, attempt,
        retry_count, handoff_failures, lost_leases, attempted, revision, updated_at)
    select id, case when over then 'CANCELLED' else 'QUEUED' end, 2, 'ZALO', '',
        case when not over then timestamptz '2026-03-02 02:00Z' end, 1, 0, 0, 0, false, 0,
        case when n % 50 = 0 then timestamptz '2020-01-02Z' else '2026-03-01Z' end
    from filling;
    insert into outbound_event (message_id, at, kind, from_status, to_status, actor, attempt)
    select id, '2020-01-02Z', 'CANCELLED', 'QUEUED', 'CANCELLED', 'system', 1 from filling where over;
    analyze outbound_message, outbound_delivery, outbound_event;";

#[tokio::test]
async fn a_step_reads_what_it_deletes_and_little_else() {
    let fixture = fixture().await;
    fixture.database.connect().await.batch_execute(FILL).await.unwrap();
    let client = fixture.database.connect().await;
    let step = "select outbound_purge_messages_v1('2021-01-01Z', 500)";
    let explain = format!("explain (analyze, buffers, timing off) {step}");
    // The first call makes the plans that the session keeps.
    assert_eq!(client.query_one(step, &[]).await.unwrap().get::<_, i32>(0), 500);
    let plan: Vec<String> = client.query(&explain, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    let buffers = plan.lines().find(|line| line.contains("Buffers:")).unwrap();
    let pages: u64 = buffers
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("hit=").or_else(|| word.strip_prefix("read=")))
        .map(|digits| digits.parse::<u64>().unwrap())
        .sum();
    assert!(pages < 10_000, "{pages} pages for 500 messages\n{plan}");
    assert_eq!(rows(&fixture, "outbound_message").await, 59_000);
    let mut purged = 0;
    while let done @ 1.. =
        fixture.store.purge_messages("2021-01-01T00:00:00Z".parse().unwrap(), 500).await.unwrap()
    {
        purged += done;
    }
    assert_eq!(purged, 200);
}
