//! Sums: the same as those of the memory store, and at a cost that does not grow.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::{BranchId, MessageId};
use domain::message::{Callback, Event, FailureKind, Message, Outcome, Priority};
use domain::ports::{Filter, InsightReader, MessageReader, MessageStore, NewMessage};
use memory_store::MemoryStore;
use uuid::Uuid;

use crate::build::{Dice, Fixture, fixture, lease_request, limits, message, morning, owner, seconds, store};

/// An id of the message's time, as the program makes them.
fn id_at(at: DateTime<Utc>, n: u64) -> MessageId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap();
    MessageId::new(Uuid::from_u128((millis << 80) | u128::from(n)))
}

fn scopes() -> [Scope; 4] {
    let branch = |name: &str| Some(BranchId::parse(name).unwrap());
    [
        Scope::everything(),
        Scope { owner: None, branch: branch("b1") },
        Scope { owner: Some(owner("o1")), branch: None },
        Scope { owner: Some(owner("o3")), branch: branch("b2") },
    ]
}

/// The same messages in both stores, of which many have been leased, sent, refused or lost.
async fn both(fixture: &Fixture) -> MemoryStore {
    let memory = MemoryStore::new();
    let mut dice = Dice(0x5eed);
    let messages: Vec<Message> = (0..400)
        .map(|n| {
            let mut message = message(u128::from(n));
            let at = morning() - TimeDelta::minutes(i64::try_from(dice.roll(26 * 60)).unwrap());
            let owner_number = dice.roll(4);
            message.id = id_at(at, n);
            message.created_at = at;
            message.content.channel = *dice.pick(Channel::ALL);
            message.content.owner_id = Some(owner(&format!("o{owner_number}")));
            message.content.owner_name = Some(format!("Owner {owner_number}"));
            message.content.branch_id = Some(BranchId::parse(format!("b{}", owner_number % 2 + 1)).unwrap());
            message.priority = *dice.pick(Priority::ALL);
            message
        })
        .collect();
    let new = |message: &Message| NewMessage { message: message.clone(), allow_duplicate: true };
    for store in [&fixture.store as &dyn MessageStore, &memory as &dyn MessageStore] {
        store.insert(messages.iter().map(new).collect(), None).await.unwrap();
        let mut request = lease_request(1, 250, morning() + seconds(1));
        request.limits = limits(1_000, 80);
        let leased = store.lease_due(&request).await.unwrap().messages;
        let rules = domain::rules::Rules::default();
        let jitter = domain::policy::retry::Jitter::new(0.0);
        let context = domain::message::Context { now: morning() + seconds(5), jitter, rules: &rules };
        let mut changes = Vec::new();
        for message in &leased {
            let number = message.id.uuid().as_u128() & 0xffff;
            let failed = |error: &str, permanent| Outcome::Failed { error: error.to_owned(), permanent };
            let outcome = match number % 6 {
                0 | 1 => Outcome::Sent { provider_message_id: None, sent_at: None },
                2 => failed("no such number", true),
                3 => failed(&format!("blocked {}", number % 2), true),
                4 => failed("busy", false),
                _ => continue,
            };
            let callback = Callback { outcome, attempt: None, lease: message.state.lease_id() };
            match message.apply(Event::Callback(callback), &context).unwrap() {
                domain::message::Step::Moved(change) => changes.push(*change),
                domain::message::Step::Same(..) => {}
            }
        }
        store.save(&changes).await.unwrap();
    }
    memory
}

#[tokio::test]
async fn each_sum_is_that_of_the_memory_store_in_every_scope() {
    let fixture = fixture().await;
    let memory = both(&fixture).await;
    let now = morning() + seconds(10);
    let owners = ["o2", "o0", "nobody"].map(owner);
    let names = fixture.store.owner_names(&owners).await.unwrap();
    assert_eq!(names, memory.owner_names(&owners).await.unwrap());
    assert_eq!(names.into_values().collect::<Vec<_>>(), ["Owner 0", "Owner 2"]);
    let bounds: Vec<_> = (0..=24).map(|hour| morning() - TimeDelta::hours(24 - hour)).collect();
    let store = &fixture.store;
    for scope in scopes() {
        let mut created =
            [store.created(&scope, &bounds).await, memory.created(&scope, &bounds).await].map(Result::unwrap);
        created.iter_mut().for_each(|sums| sums.sort());
        assert_eq!(created[0], created[1], "{scope:?}");
        assert!(created[0].len() > 20, "{scope:?}");

        let since = morning() - TimeDelta::hours(20);
        let mut ended = [store.outcomes(&scope, since, 150).await, memory.outcomes(&scope, since, 150).await]
            .map(Result::unwrap);
        ended.iter_mut().for_each(|sums| sums.sort());
        assert_eq!(ended[0], ended[1], "{scope:?}");

        assert_eq!(
            store.depth(&scope, now).await.unwrap(),
            memory.depth(&scope, now).await.unwrap(),
            "{scope:?}"
        );
        let busiest = store.busiest_owners(&scope, now, 3).await.unwrap();
        assert_eq!(busiest, memory.busiest_owners(&scope, now, 3).await.unwrap(), "{scope:?}");
        assert!(!busiest.is_empty());

        let stuck = store.stuck(&scope, 1_000).await.unwrap();
        assert_eq!(stuck, memory.stuck(&scope, 1_000).await.unwrap(), "{scope:?}");
        for group in stuck {
            assert_eq!(group.kind, FailureKind::Dead);
            let filter = Filter {
                failure_kind: Some(group.kind),
                cause: Some(group.cause.clone()),
                ..Filter::default()
            };
            let found = store.matching(&scope, &filter, None, 1_000).await.unwrap();
            assert_eq!(found.len() as u64, group.count, "{scope:?} {}", group.cause);
            assert_eq!(found, memory.matching(&scope, &filter, None, 1_000).await.unwrap());
        }
    }
}

/// Messages of a year, most of them sent, with the newest day's at the end.
const FILLING: &str = "
    drop index outbound_message_terms;
    create temporary table filling as
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'))::uuid as id,
           at, 'o' || (n % 50) as owner_id, 'b' || (n % 5) as branch_id, n % 20 as fate
    from (select n, timestamptz '2026-03-02 03:00Z' - (200000 - n) * interval '2 minutes' as at
          from generate_series(1, 200000) as n) t;
    insert into outbound_message (id, channel, body, created_by, created_at, duplicate_key, local_day, search, terms,
        owner_id, branch_id)
    select id, 'ZALO', 'x', 'system', at, id, '2026-03-02', 'x', '', owner_id, branch_id from filling;
    insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
        retry_count, handoff_failures, lost_leases, attempted, revision, updated_at, sent_at, failure_kind, error)
    select id, case when fate = 0 then 'FAILED' when fate = 1 then 'QUEUED' else 'SENT' end, 2, 'ZALO', owner_id,
        branch_id, case when fate = 1 then at end, 1, 0, 0, 0, fate <> 1, 1, at,
        case when fate > 1 then at end, case when fate = 0 then 'DEAD' end, case when fate = 0 then 'gone' end
    from filling;
    analyze outbound_message; analyze outbound_delivery";

#[tokio::test]
async fn sums_of_a_day_do_not_walk_over_a_year() {
    let fixture = fixture().await;
    let client = fixture.database.connect().await;
    client.batch_execute(FILLING).await.unwrap();
    let bounds: Vec<_> = (0..=24).map(|hour| morning() - TimeDelta::hours(24 - hour)).collect();
    let reads = async || {
        let sql = "select pg_stat_force_next_flush(),
            (select sum(seq_tup_read)::bigint from pg_stat_user_tables
             where relname in ('outbound_message', 'outbound_delivery')),
            (select sum(idx_scan)::bigint from pg_stat_user_tables
             where relname in ('outbound_message', 'outbound_delivery'))";
        let row = client.query_one(sql, &[]).await.unwrap();
        (row.get::<_, i64>(1), row.get::<_, i64>(2))
    };
    reads().await;
    let (rows_before, scans_before) = reads().await;
    let reading = store(fixture.database.url(), 1).await;
    for scope in [
        Scope::everything(),
        Scope { owner: Some(owner("o7")), branch: None },
        Scope { owner: None, branch: Some(BranchId::parse("b2").unwrap()) },
    ] {
        let created = reading.created(&scope, &bounds).await.unwrap();
        let sum: u64 = created.iter().map(|one| one.count).sum();
        let everything = u64::from(scope == Scope::everything());
        assert!(sum > 10 && sum <= 145 + 580 * everything, "{scope:?}: {sum}");
        reading.outcomes(&scope, bounds[0], 20_000).await.unwrap();
        reading.depth(&scope, morning()).await.unwrap();
        reading.stuck(&scope, 20_000).await.unwrap();
    }
    // What a session has read is known when it has ended.
    drop(reading);
    let mut now = reads().await;
    while now.1 == scans_before {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        now = reads().await;
    }
    assert_eq!(now.0, rows_before, "no table is read from end to end");
}
