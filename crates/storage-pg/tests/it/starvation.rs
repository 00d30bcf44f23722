//! An owner at the limit, with any number of messages in front, holds nobody back and costs nothing (lesson 13).

use domain::channel::Channel;
use domain::policy::quiet_hours::OpenChannel;
use domain::ports::MessageStore;

use crate::build::{Fixture, fixture, lease_request, limits, morning, owner, seconds};

/// How many messages the greedy owner has in front.
const IN_FRONT: i64 = 200_000;

/// The greedy owner's messages, then ten of each of five others, then some that are not due or of a closed channel.
const FILLING: &str = "
    drop index outbound_message_terms;
    create temporary table filling as
    select md5(n::text)::uuid as id, 'ZALO' as channel, 'greedy' as owner_id, 1::smallint as priority,
           timestamptz '2026-03-02 02:00Z' + n * interval '1 ms' as due_at
    from generate_series(1, IN_FRONT) as n
    union all
    select lpad(to_hex(n), 32, '0')::uuid, 'ZALO', 'o' || (n % 5), 2, '2026-03-02 02:30Z'
    from generate_series(1, 50) as n
    union all
    select md5('late' || n)::uuid, 'ZALO', 'o' || (n % 5), 1, '2026-03-03 03:00Z'
    from generate_series(1, 20000) as n
    union all
    select md5('closed' || n)::uuid, 'SMS', 'o' || (n % 5), 1, '2026-03-02 01:00Z'
    from generate_series(1, 20000) as n;
    insert into outbound_message (id, channel, body, created_by, created_at, duplicate_key, local_day, terms, owner_id,
        branch_id)
    select id, channel, 'x', 'system', '2026-03-02 03:00Z', id, '2026-03-02', '', owner_id, 'b1' from filling;";

/// Many owners: in front a greedy one who is at the limit, then twenty messages of each of a thousand.
const CROWD: &str = "
    drop index outbound_message_terms;
    insert into outbound_rate_window values
        ('owner:greedy', array[extract(epoch from timestamptz '2026-03-02 02:59:59Z')::bigint], '{30}');
    create temporary table filling as
    select md5(n::text)::uuid as id, 'ZALO' as channel, 'greedy' as owner_id, 1::smallint as priority,
           timestamptz '2026-03-02 02:00Z' + n * interval '1 ms' as due_at
    from generate_series(1, 20000) as n
    union all
    select md5('crowd' || n)::uuid, (array['ZALO', 'FB', 'SMS'])[1 + n % 3], 'o' || (n % 1000), 1 + n % 3,
           timestamptz '2026-03-02 02:30Z' + n * interval '1 ms'
    from generate_series(1, 20000) as n;";

/// They wait for their first attempt.
const QUEUED: &str = "
    insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
        retry_count, handoff_failures, lost_leases, attempted, revision, updated_at)
    select id, 'QUEUED', priority, channel, owner_id, 'b1', due_at, 1, 0, 0, 0, false, 0, '2026-03-02 03:00Z'
    from filling;";

/// They wait for their retry.
const FAILED: &str = "
    insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
        retry_count, handoff_failures, lost_leases, attempted, revision, updated_at, failure_kind, error,
        attempt_failed)
    select id, 'FAILED', priority, channel, owner_id, 'b1', due_at, 1, 1, 0, 0, true, 0, '2026-03-02 03:00Z',
        'RETRY', 'no', true
    from filling;
    update filling set id = md5('fresh' || id)::uuid;";

async fn fill(fixture: &Fixture, states: &[&str]) {
    let filling = FILLING.replace("IN_FRONT", &IN_FRONT.to_string());
    execute(fixture, &(filling + &states.concat() + "analyze outbound_delivery")).await;
}

async fn execute(fixture: &Fixture, statements: &str) {
    fixture.database.connect().await.batch_execute(statements).await.unwrap();
}

/// What the statements inside the lease did, by the server's own account.
struct Account {
    plans: Vec<String>,
}

impl Account {
    /// Runs the lease on a connection that reports every nested plan.
    async fn of(fixture: &Fixture, owner_limit: i32, scope: &str) -> (Self, i64) {
        let (client, mut connection) =
            tokio_postgres::connect(fixture.database.url(), tokio_postgres::NoTls).await.unwrap();
        let (send, mut notices) = tokio::sync::mpsc::unbounded_channel();
        let driver = tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
                if let tokio_postgres::AsyncMessage::Notice(notice) = message {
                    send.send(notice.message().to_owned()).unwrap();
                }
            }
        });
        let lease = format!(
            "select cardinality(leased) from outbound_lease_v2('2026-03-02 03:00Z', 0, gen_random_uuid(),
                '2026-03-02 03:01Z', null, 50, '{{ZALO,FB,CALL_NOTE}}', '{{null,null,null}}', {scope}, null,
                {owner_limit}, 'worker', false, false)"
        );
        // Twice, so that what is reported runs on the plans that the session keeps.
        client.batch_execute(&lease.replace("false)", "true)")).await.unwrap();
        client
            .batch_execute(
                "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on;
                 set auto_explain.log_buffers = on; set auto_explain.log_timing = off;
                 set auto_explain.log_nested_statements = on; set client_min_messages = log",
            )
            .await
            .unwrap();
        let rows = client.simple_query(&lease).await.unwrap();
        let leased = rows
            .iter()
            .find_map(|row| {
                let tokio_postgres::SimpleQueryMessage::Row(row) = row else { return None };
                row.get(0)?.parse().ok()
            })
            .unwrap();
        drop(client);
        driver.await.unwrap();
        let mut plans = Vec::new();
        while let Some(plan) = notices.recv().await {
            plans.push(plan);
        }
        (Self { plans }, leased)
    }

    /// Pages of the whole call: the outermost plan comes last and counts all that is inside.
    fn pages(&self) -> u64 {
        let outermost = self.plans.last().unwrap();
        let line = outermost.lines().find(|line| line.contains("Buffers:")).unwrap();
        line.split_whitespace()
            .filter_map(|word| word.strip_prefix("hit=").or_else(|| word.strip_prefix("read=")))
            .map(|digits| digits.parse::<u64>().unwrap())
            .sum()
    }

    fn assert_no_scan_of_the_queue(&self) {
        for plan in &self.plans {
            assert!(!plan.contains("Seq Scan on outbound_"), "{plan}");
            assert!(!plan.contains("Rows Removed by Filter: 1000"), "{plan}");
        }
    }
}

#[tokio::test]
async fn two_hundred_thousand_messages_in_front_are_stepped_over() {
    let fixture = fixture().await;
    fill(&fixture, &[QUEUED]).await;
    let now = morning();

    // The greedy owner uses up the limit; in the same run the others get what is theirs.
    let mut request = lease_request(1, 50, now);
    (request.limits, request.channels) =
        (limits(0, 10), OpenChannel::all().into_iter().filter(|open| open.channel != Channel::Sms).collect());
    let first = fixture.store.lease_due(&request).await.unwrap();
    let greedy = first.messages.iter().filter(|one| one.content.owner_id == Some(owner("greedy"))).count();
    assert_eq!((greedy, first.messages.len()), (10, 50));
    assert_eq!(first.rate_limited, 1_000, "counted up to a bound");

    // A moment later only the last ten can go.
    request.lease = crate::build::lease_id(2);
    request.now = now + seconds(1);
    let second = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!(second.messages.len(), 10, "the others have had 8 of their 10 each");
    assert!(second.messages.iter().all(|one| one.id.uuid().as_u128() <= 50));
}

/// Owner, branch, retries only: the scope of a run, as the lease takes it.
const EVERYTHING: &str = "null, null, false";
const BRANCH: &str = "null, 'b1', false";
const RETRIES: &str = "null, null, true";
const RETRIES_OF_THE_BRANCH: &str = "null, 'b1', true";
const GREEDY: &str = "'greedy', null, false";

async fn assert_cheap(fixture: &Fixture, scope: &str, owner_limit: i32, expected: i64, most_pages: u64) {
    let (account, leased) = Account::of(fixture, owner_limit, scope).await;
    assert_eq!(leased, expected, "scope {scope}, limit {owner_limit}");
    account.assert_no_scan_of_the_queue();
    let pages = account.pages();
    assert!(pages < most_pages, "{pages} pages for {leased} messages, scope {scope}, limit {owner_limit}");
}

#[tokio::test]
async fn the_cost_of_a_lease_does_not_grow_with_what_is_in_front() {
    let fixture = fixture().await;
    fill(&fixture, &[QUEUED]).await;
    assert_cheap(&fixture, EVERYTHING, 10, 50, 6_000).await;
    assert_cheap(&fixture, BRANCH, 10, 10, 6_000).await;
    assert_cheap(&fixture, EVERYTHING, 1_000_000, 50, 3_000).await;
    assert_cheap(&fixture, GREEDY, 1_000_000, 50, 3_000).await;
    assert_cheap(&fixture, BRANCH, 1_000_000, 50, 3_000).await;
}

#[tokio::test]
async fn a_run_of_retries_steps_over_an_owner_at_the_limit_and_over_what_never_failed() {
    let fixture = fixture().await;
    fill(&fixture, &[FAILED, QUEUED]).await;
    assert_cheap(&fixture, RETRIES, 5, 30, 6_000).await;
    assert_cheap(&fixture, RETRIES_OF_THE_BRANCH, 10, 30, 6_000).await;
    assert_cheap(&fixture, RETRIES, 1_000_000, 50, 3_000).await;
    assert_cheap(&fixture, "'greedy', null, true", 1_000_000, 50, 3_000).await;
}

#[tokio::test]
async fn of_each_of_a_thousand_owners_only_a_few_rows_are_read() {
    let fixture = fixture().await;
    execute(&fixture, &(CROWD.to_owned() + QUEUED + "analyze outbound_delivery")).await;
    // To step to the owner, look at the window and at the first message of three channels: some 15 pages, each of them
    // one that many share.
    assert_cheap(&fixture, EVERYTHING, 30, 50, 25_000).await;
    assert_cheap(&fixture, BRANCH, 30, 50, 25_000).await;
}
