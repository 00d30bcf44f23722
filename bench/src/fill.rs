//! Queues of any depth, filled by statements over sets.

use anyhow::Context as _;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How many owners the messages are spread over, and branches.
pub const OWNERS: u32 = 100;

/// Messages to fill in, numbered from `from`.
#[derive(Debug, Clone, Copy)]
pub struct Messages<'a> {
    /// The first one's number.
    pub from: u32,
    /// How many.
    pub count: u32,
    /// Where they stand.
    pub stand: Stand,
    /// Whose they are, as SQL over the number `n`.
    pub owner: &'a str,
    /// How urgent they are, as SQL over the number `n`.
    pub priority: &'a str,
    /// Whether what is sent is filled in too; a lease and a settling never read it of what they pass over.
    pub content: bool,
}

/// Where messages stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Due for an hour.
    Due,
    /// Due in a month.
    Later,
    /// Handed off, waiting for the callback.
    HandedOff,
    /// Sent in the last 30 days.
    Sent,
}

impl Default for Messages<'_> {
    fn default() -> Self {
        Self {
            from: 1,
            count: 0,
            stand: Stand::Due,
            owner: "'owner-' || n % 100",
            priority: "1 + n % 3",
            content: true,
        }
    }
}

/// How many words recur, as names and amounts do.
const WORDS: u32 = 100_000;

/// When the first message was created, in milliseconds; each next one half a second later.
const FIRST: u64 = 1_735_689_600_000;

/// The id of a message by its number: a UUIDv7 of the time that the message was created at.
pub fn id(n: u32) -> String {
    let millis = format!("{:012x}", FIRST + u64::from(n) * 500);
    let (high, low) = millis.split_at(8);
    format!("{high}-{low}-7000-8000-{n:012x}")
}

const ID: &str = "(overlay(lpad(to_hex(1735689600000 + n * 500::bigint), 12, '0') placing '-' from 9 for 0)
    || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";

/// Empties the queue.
pub async fn empty(client: &Client) -> anyhow::Result<()> {
    let empty = "
        truncate outbound_message, outbound_delivery, outbound_event, outbound_run, outbound_idempotency;
        delete from outbound_rate_window where key <> '';
        update outbound_rate_window set seconds = '{}', counts = '{}'";
    loop {
        match client.batch_execute(empty).await {
            // A server that reads two of the tables may have them in the other order.
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {}
            done => return done.context("cannot empty the queue"),
        }
    }
}

/// Forgets what counts towards the limits, so that the next round begins without.
pub async fn forget_limits(client: &Client) -> anyhow::Result<()> {
    // Under the lock of limited leases, which else may hold what this waits for.
    let forget = "
        select from outbound_rate_window where key = '' for update;
        update outbound_rate_window set seconds = '{}', counts = '{}'";
    client.batch_execute(forget).await.context("cannot forget the limits")
}

/// Fills messages in. Many are filled in without the indexes, which are made anew afterwards.
pub async fn messages(client: &Client, parts: &[Messages<'_>]) -> anyhow::Result<()> {
    let many = parts.iter().map(|part| part.count).sum::<u32>() > 150_000;
    let indexes = if many { take_indexes(client).await? } else { Vec::new() };
    for part in parts {
        add(client, part).await?;
    }
    for index in indexes {
        client.batch_execute(&index).await.with_context(|| index.clone())?;
    }
    settle(client).await
}

/// Adds messages to what is there.
pub async fn add(client: &Client, part: &Messages<'_>) -> anyhow::Result<()> {
    if part.content {
        client.batch_execute(&content(part)).await.context("cannot fill messages in")?;
    }
    client.batch_execute(&delivery(part)).await.context("cannot fill deliveries in")
}

/// Leaves nothing for the measured time to catch up with.
pub async fn settle(client: &Client) -> anyhow::Result<()> {
    client.batch_execute("vacuum analyze outbound_message").await?;
    client.batch_execute("vacuum analyze outbound_delivery").await?;
    Ok(client.batch_execute("checkpoint").await?)
}

/// Drops what indexes the two tables but their keys; answers how to make it anew.
async fn take_indexes(client: &Client) -> anyhow::Result<Vec<String>> {
    let find = "
        select indexname::text, indexdef from pg_indexes
        where tablename in ('outbound_message', 'outbound_delivery') and indexname not like '%_pkey'";
    let mut definitions = Vec::new();
    for row in client.query(find, &[]).await? {
        let (name, definition): (String, String) = (row.get(0), row.get(1));
        client.batch_execute(&format!("drop index {name}")).await?;
        definitions.push(definition);
    }
    Ok(definitions)
}

fn content(part: &Messages<'_>) -> String {
    let Messages { from, count, owner, priority, .. } = part;
    let to = from + count - 1;
    // Of the phone number as the server stores them: the whole, every four digits behind the first that stand together,
    // and the last three.
    let grams: Vec<String> = (2..=8).map(|at| format!("'D' || substr(digits, {at}, 4)")).collect();
    format!(
        "insert into outbound_message (id, channel, recipient, body, lead_id, student_id, owner_id, branch_id,
            created_by, created_at, duplicate_key, local_day, urgency, terms)
         select {ID}, 'SMS', '+8490' || lpad(n::text, 7, '0'),
            repeat('Hello student, lesson. ', 8) || lpad((n % {WORDS})::text, 16, '0'),
            case when n % 2 = 0 then 'lead-' || n / 4 end, case when n % 2 = 1 then 'student-' || n / 4 end,
            {owner}, 'branch-' || n % 10, 'user:bench', to_timestamp({FIRST} / 1000 + n * 0.5), md5(n::text)::uuid,
            current_date, nullif({priority}, 2),
            array_to_tsvector(array['hello', 'lesson', 'student', 'CSMS', left(md5((n % {WORDS})::text), 8),
                lpad((n % {WORDS})::text, 16, '0')] || array['P' || digits, {grams}])
         from generate_series({from}, {to}) n,
            lateral (select '090' || lpad(n::text, 7, '0')) as number (digits)",
        grams = grams.join(", ")
    )
}

fn delivery(part: &Messages<'_>) -> String {
    let Messages { from, count, stand, owner, priority, .. } = part;
    let to = from + count - 1;
    let (status, own, values) = match stand {
        Stand::Due => {
            ("QUEUED", "next_attempt_at", "now() - interval '1 hour' + n * interval '1 microsecond'")
        }
        Stand::Later => ("QUEUED", "next_attempt_at", "now() + interval '30 days'"),
        Stand::HandedOff => (
            "DISPATCHED",
            "lease_id, leased_at, dispatched_at, lease_expires_at",
            "md5((n / 200)::text)::uuid, now(), now(), now() + interval '1 day'",
        ),
        Stand::Sent => ("SENT", "sent_at", "now() - interval '30 days' * random()"),
    };
    let handed_off = matches!(stand, Stand::HandedOff | Stand::Sent);
    format!(
        "insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, attempt,
            retry_count, handoff_failures, lost_leases, attempted, revision, updated_at, created_at, {own})
         select {ID}, '{status}', {priority}, 'SMS', {owner}, 'branch-' || n % 10, 1, 0, 0, 0, {handed_off}, 1,
            now(), now(), {values}
         from generate_series({from}, {to}) n"
    )
}
