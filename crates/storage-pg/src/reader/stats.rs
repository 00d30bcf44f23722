//! The queue in numbers, each of them cheap however long the queue is.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::channel::Channel;
use domain::message::{Priority, Status};
use domain::ports::{Filter, Stats, StoreError, Total};
use domain::rules::Limits;

use super::conditions::{Conditions, MESSAGE, Select};
use super::counted::{bounded, expected, if_cheap, total};
use super::due::all_channels;
use super::limits::windows;
use crate::error::of_statement;
use crate::rows::delivery::priority;
use crate::rows::{corrupt, read};
use crate::statement::{Sql, statement};
use crate::store::PgStore;

/// Throughput is counted up to here; a busier hour is answered as this many.
const MOST_SENT: u64 = 200_000;

/// Each of the twelve ranges of waiting messages is counted up to here.
const MOST_WAITING: i32 = 50_000;

statement! {
    /// Waiting messages, counted by channel and priority up to a bound each, and the first of each.
    Waiting<'a> {
        channels: Vec<&'static str> => Array<Text>,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
        bound: i32 => Integer,
    } -> (Text, SmallInt, BigInt, Nullable<Timestamptz>),
    Sql("
        select c.channel, r.rank, waiting.count, waiting.first
        from unnest($1) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank),
        lateral (
            select count(*) as count, min(w.next_attempt_at) as first
            from (
                (select d.next_attempt_at from outbound_delivery d
                 where $2::text is null and $3::text is null and d.channel = c.channel and d.priority = r.rank
                   and d.next_attempt_at is not null and d.lease_id is null
                 order by d.next_attempt_at limit $4)
                union all
                (select d.next_attempt_at from outbound_delivery d
                 where d.owner_id = $2 and ($3::text is null or d.branch_id = $3)
                   and d.channel = c.channel and d.priority = r.rank
                   and d.next_attempt_at is not null and d.lease_id is null
                 order by d.next_attempt_at limit $4)
                union all
                (select d.next_attempt_at from outbound_delivery d
                 where $2::text is null and d.branch_id = $3 and d.channel = c.channel and d.priority = r.rank
                   and d.next_attempt_at is not null and d.lease_id is null
                 order by d.next_attempt_at limit $4)
            ) w
        ) waiting
        where waiting.count > 0")
}

pub(super) async fn stats(
    store: &PgStore,
    scope: &Scope,
    limits: &Limits,
    now: DateTime<Utc>,
) -> Result<Stats, StoreError> {
    let mut stats = Stats::default();
    let windows = windows(store, scope.owner.as_ref()).await?;
    stats.global_limit_left = limits.global.get().map(|_| windows.global.remaining(limits.global, now));
    if scope.owner.is_some() {
        stats.owner_limit_left =
            limits.per_owner.get().map(|_| windows.owner.remaining(limits.per_owner, now));
    }
    let mut connection = store.connection().await?;
    let newest = newest(&mut connection, scope).await?;
    stats.by_status = by_status(store, &mut connection, scope, &newest).await?;
    let all = stats.by_status.values().map(|total| total.count).sum();
    let of_channel = |channel| Filter { channel: Some(channel), ..Filter::default() };
    let of_priority = |priority| Filter { priority: Some(priority), ..Filter::default() };
    let counting = Counting { connection: &mut connection, scope, newest: &newest, all };
    stats.by_channel = counting.by(Channel::ALL, of_channel, |kind| kind.channel).await?;
    let counting = Counting { connection: &mut connection, scope, newest: &newest, all };
    stats.by_priority = counting.by(Priority::ALL, of_priority, |kind| kind.priority).await?;
    if *scope == Scope::everything() && !newest.are_all {
        // The few that are not of the usual priority have an index, and the planner may not know of them.
        for priority in [Priority::High, Priority::Low] {
            let conditions = Conditions::new(scope, &of_priority(priority));
            let expected = expected(&mut connection, &conditions).await?;
            let count = total(store, &mut connection, &conditions, expected).await?;
            stats.by_priority.insert(priority, count);
        }
    }
    waiting(&mut connection, scope, now, &mut stats).await?;
    at_least(&mut stats.by_channel, &stats.waiting_by_channel);
    at_least(&mut stats.by_priority, &stats.waiting_by_priority);
    stats.sent_last_minute = sent_since(&mut connection, scope, now - TimeDelta::minutes(1)).await?;
    stats.sent_last_hour = sent_since(&mut connection, scope, now - TimeDelta::hours(1)).await?;
    Ok(stats)
}

async fn by_status(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    scope: &Scope,
    newest: &Newest,
) -> Result<BTreeMap<Status, Total>, StoreError> {
    let mut counts = BTreeMap::new();
    for status in Status::ALL {
        let filter = Filter { status: Some(*status), ..Filter::default() };
        let conditions = Conditions::new(scope, &filter);
        let counted = if *scope == Scope::everything() && !newest.are_all {
            let expected = expected(connection, &conditions).await?;
            Some(total(store, connection, &conditions, expected).await?)
        } else if newest.are_all || *status == Status::Sent {
            // No index has one owner's sent ones by themselves.
            None
        } else {
            let expected = expected(connection, &conditions).await?;
            if_cheap(connection, &conditions, expected).await?
        };
        let count = match counted {
            Some(count) => count,
            None => share(newest, newest.expected, |one| one.status == *status),
        };
        counts.insert(*status, count);
    }
    Ok(counts)
}

/// How many of a scope's messages match: exact where the newest are all, else an estimate: as many among `all` as among
/// the newest.
fn share(newest: &Newest, all: u64, matches: impl Fn(&Kind) -> bool) -> Total {
    let seen: u64 = newest.counts.iter().map(|(_, count)| count).sum();
    let matching: u64 = newest.counts.iter().filter(|(kind, _)| matches(kind)).map(|(_, count)| count).sum();
    if newest.are_all {
        Total { count: matching, is_estimate: false }
    } else {
        Total { count: all.max(seen) * matching / seen.max(1), is_estimate: true }
    }
}

/// What counts by channel and priority need.
struct Counting<'a> {
    connection: &'a mut AsyncPgConnection,
    scope: &'a Scope,
    newest: &'a Newest,
    /// How many messages there are in the scope.
    all: u64,
}

impl Counting<'_> {
    /// Counts what is one of these.
    async fn by<K: Copy + Ord>(
        self,
        kinds: &[K],
        filter: impl Fn(K) -> Filter,
        of: impl Fn(&Kind) -> K,
    ) -> Result<BTreeMap<K, Total>, StoreError> {
        let shares = kinds.iter().map(|one| (*one, share(self.newest, self.all, |kind| of(kind) == *one)));
        let shares: BTreeMap<K, Total> = shares.collect();
        // The planner knows more than the newest tell, but nothing of one owner's or branch's.
        if self.newest.are_all || *self.scope != Scope::everything() {
            return Ok(shares);
        }
        let mut counts = BTreeMap::new();
        for kind in kinds {
            let count = expected(self.connection, &Conditions::new(self.scope, &filter(*kind))).await?;
            // It never expects none.
            let count = if count > 1 { count } else { shares.get(kind).map_or(0, |share| share.count) };
            counts.insert(*kind, Total { count, is_estimate: true });
        }
        // Where it has not looked at the table for long, its numbers do not come to the whole.
        let sum: u64 = counts.values().map(|total| total.count).sum();
        let is_sound = (self.all * 4 / 5..=self.all * 5 / 4).contains(&sum);
        Ok(if is_sound { counts } else { shares })
    }
}

/// An estimate is never below what is known to wait.
fn at_least<K: Ord>(totals: &mut BTreeMap<K, Total>, waiting: &BTreeMap<K, u64>) {
    for (key, total) in totals.iter_mut().filter(|(_, total)| total.is_estimate) {
        total.count = total.count.max(waiting.get(key).copied().unwrap_or(0));
    }
}

/// What messages are counted by.
struct Kind {
    status: Status,
    channel: Channel,
    priority: Priority,
}

/// The newest messages of a scope, counted.
struct Newest {
    counts: Vec<(Kind, u64)>,
    /// Whether there are no others.
    are_all: bool,
    /// How many the planner expects the scope to have.
    expected: u64,
}

/// How many of the newest messages of a scope are looked at.
const NEWEST: u64 = 2_000;

async fn newest(connection: &mut AsyncPgConnection, scope: &Scope) -> Result<Newest, StoreError> {
    let counting = Select::<_, (Text, Text, SmallInt, BigInt)> {
        head: Sql("select d.status, d.channel, d.priority, count(*) from (select outbound_message.id"),
        tables: MESSAGE,
        conditions: Conditions::new(scope, &Filter::default()),
        tail: format!(
            " order by outbound_message.id desc limit {NEWEST}) as newest
            join outbound_delivery d on d.message_id = newest.id group by 1, 2, 3"
        ),
        row: PhantomData,
    };
    let rows: Vec<(String, String, i16, i64)> = counting.load(connection).await.map_err(of_statement)?;
    let counts = rows.into_iter().map(|(status, channel, rank, count)| {
        let kind = Kind {
            status: read("status", &status)?,
            channel: read("channel", &channel)?,
            priority: priority(rank)?,
        };
        Ok((kind, u64::try_from(count).map_err(|error| corrupt("count", error))?))
    });
    let counts: Vec<(Kind, u64)> = counts.collect::<Result<_, StoreError>>()?;
    let are_all = counts.iter().map(|(_, count)| count).sum::<u64>() < NEWEST;
    let expected = if are_all || *scope == Scope::everything() {
        0
    } else {
        expected(connection, &Conditions::new(scope, &Filter::default())).await?
    };
    Ok(Newest { counts, are_all, expected })
}

async fn sent_since(
    connection: &mut AsyncPgConnection,
    scope: &Scope,
    since: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let mut conditions = Conditions::new(scope, &Filter::default());
    conditions.sent_since(since);
    bounded(connection, &conditions, MOST_SENT).await
}

async fn waiting(
    connection: &mut AsyncPgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    stats: &mut Stats,
) -> Result<(), StoreError> {
    let asking = Waiting {
        channels: all_channels(),
        owner_id: scope.owner.as_ref().map(|id| id.as_str()),
        branch_id: scope.branch.as_ref().map(|id| id.as_str()),
        bound: MOST_WAITING,
    };
    let rows: Vec<(String, i16, i64, Option<DateTime<Utc>>)> =
        asking.load(connection).await.map_err(of_statement)?;
    for (channel, rank, count, first) in rows {
        let channel: Channel = read("channel", &channel)?;
        let priority: Priority = priority(rank)?;
        let count = u64::try_from(count).map_err(|error| corrupt("count", error))?;
        *stats.waiting_by_channel.entry(channel).or_default() += count;
        *stats.waiting_by_priority.entry(priority).or_default() += count;
        let due = first.filter(|at| *at <= now);
        stats.oldest_due_at = stats.oldest_due_at.into_iter().chain(due).min();
    }
    Ok(())
}
