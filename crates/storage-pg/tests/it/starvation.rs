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
        }
    }

    /// Rows of the queue that the whole call looked at, those that a filter threw away included.
    fn rows(&self) -> u64 {
        self.plans.iter().map(|plan| rows_of_the_queue(plan)).sum()
    }
}

/// What the scans of the queue in one plan read. A plan tells the rows of a node, and those that its filter removed, as
/// the mean of its loops.
fn rows_of_the_queue(plan: &str) -> u64 {
    let mut rows = 0;
    // The loops of the scan whose lines are read.
    let mut scan = None;
    for line in plan.lines() {
        if line.contains("(actual ") || line.contains("(never executed)") {
            let of_queue = line.contains(" Scan ") && line.contains(" on outbound_delivery ");
            scan = number_after(line, " loops=").filter(|_| of_queue);
            rows += scan.map_or(0, |loops| loops * number_after(line, "(actual rows=").unwrap());
        } else if let (Some(loops), Some(removed)) = (scan, number_after(line, "Rows Removed by Filter: ")) {
            rows += loops * removed;
        }
    }
    rows
}

/// The whole number that stands behind a word.
fn number_after(line: &str, word: &str) -> Option<u64> {
    let (_, rest) = line.split_once(word)?;
    let end = rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[test]
fn what_a_plan_read_of_the_queue_is_counted() {
    let plan = "Query Text: select 1 from outbound_delivery where x
Limit  (cost=0.42..9.00 rows=1 width=16) (actual rows=50 loops=1)
  ->  Nested Loop  (cost=0.42..9.00 rows=1 width=16) (actual rows=60 loops=1)
        Rows Removed by Join Filter: 7
        ->  Index Scan using outbound_delivery_due on outbound_delivery d  (cost=0.42..9 rows=1 width=16) (actual rows=30 loops=2)
              Index Cond: (a = b)
              Filter: c
              Rows Removed by Filter: 200000
        ->  Index Only Scan using outbound_message_pkey on outbound_message m  (cost=0.42..9 rows=1 width=16) (actual rows=1 loops=60)
              Rows Removed by Filter: 5
        ->  Index Scan using outbound_delivery_pkey on outbound_delivery o  (cost=0.42..9 rows=1 width=16) (never executed)";
    assert_eq!(rows_of_the_queue(plan), 2 * (30 + 200_000));
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

/// At most so much may be read, whatever is in front.
struct Most {
    pages: u64,
    /// Rows of the queue.
    rows: u64,
}

/// Nobody is at a limit: each message of the batch is looked at a few times, to choose, to lock and to change it.
const UNHINDERED: Most = Most { pages: 3_000, rows: 500 };
/// An owner at the limit is stepped over, and what the limits hold back is counted, up to 1,000.
const STEPPING_OVER: Most = Most { pages: 6_000, rows: 2_500 };
/// To step to each of a thousand owners, look at the window and at the first message of three channels: some 15 pages,
/// each of them one that many share, and some 4 rows.
const THOUSAND_OWNERS: Most = Most { pages: 25_000, rows: 6_000 };

async fn assert_cheap(fixture: &Fixture, scope: &str, owner_limit: i32, expected: i64, most: Most) {
    let (account, leased) = Account::of(fixture, owner_limit, scope).await;
    assert_eq!(leased, expected, "scope {scope}, limit {owner_limit}");
    account.assert_no_scan_of_the_queue();
    let (pages, rows) = (account.pages(), account.rows());
    let read = format!("{rows} rows and {pages} pages for {leased} messages");
    assert!(pages < most.pages && rows < most.rows, "{read}, scope {scope}, limit {owner_limit}");
    // It was read at all, so the plans are told as they are understood here.
    assert!(rows >= leased.unsigned_abs(), "{read}, scope {scope}, limit {owner_limit}");
}

#[tokio::test]
async fn the_cost_of_a_lease_does_not_grow_with_what_is_in_front() {
    let fixture = fixture().await;
    fill(&fixture, &[QUEUED]).await;
    assert_cheap(&fixture, EVERYTHING, 10, 50, STEPPING_OVER).await;
    assert_cheap(&fixture, BRANCH, 10, 10, STEPPING_OVER).await;
    assert_cheap(&fixture, EVERYTHING, 1_000_000, 50, UNHINDERED).await;
    assert_cheap(&fixture, GREEDY, 1_000_000, 50, UNHINDERED).await;
    assert_cheap(&fixture, BRANCH, 1_000_000, 50, UNHINDERED).await;
}

#[tokio::test]
async fn a_run_of_retries_steps_over_an_owner_at_the_limit_and_over_what_never_failed() {
    let fixture = fixture().await;
    fill(&fixture, &[FAILED, QUEUED]).await;
    assert_cheap(&fixture, RETRIES, 5, 30, STEPPING_OVER).await;
    assert_cheap(&fixture, RETRIES_OF_THE_BRANCH, 10, 30, STEPPING_OVER).await;
    assert_cheap(&fixture, RETRIES, 1_000_000, 50, UNHINDERED).await;
    assert_cheap(&fixture, "'greedy', null, true", 1_000_000, 50, UNHINDERED).await;
}

#[tokio::test]
async fn of_each_of_a_thousand_owners_only_a_few_rows_are_read_and_that_once_a_second() {
    let fixture = fixture().await;
    execute(&fixture, &(CROWD.to_owned() + QUEUED + "analyze outbound_delivery")).await;
    assert_cheap(&fixture, EVERYTHING, 30, 50, THOUSAND_OWNERS).await;
    assert_cheap(&fixture, EVERYTHING, 30, 50, STEPPING_OVER).await;
    assert_cheap(&fixture, BRANCH, 30, 50, THOUSAND_OWNERS).await;
}
