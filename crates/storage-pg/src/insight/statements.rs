//! The statements behind the sums. Each has one arm for everything, one for an owner and one for a branch, so that
//! each walks the index of its own; the arms that are not meant are not entered.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::statement::{Sql, statement};

statement! {
    /// All messages by span, status and kind of failure: index ranges alone. Those in flight are few and are found by
    /// their expiry, as in lists.
    CreatedByAll { bounds: Vec<Uuid> => Array<SqlUuid>, most: i64 => BigInt, }
        -> (Integer, Text, Nullable<Text>, BigInt),
    Sql("
        with span as (
            select nth::integer, from_id, lead(from_id) over (order by nth) as before_id
            from unnest($1) with ordinality as s (from_id, nth)
        )
        select s.nth, k.status, null, c.count
        from span s cross join unnest(array['QUEUED', 'SENT', 'SKIPPED', 'CANCELLED']) as k (status)
        cross join lateral (
            select count(*) from (
                select from outbound_delivery d
                where d.status = k.status and d.status not in ('LEASED', 'DISPATCHED')
                  and d.message_id >= s.from_id and d.message_id < s.before_id
                limit $2) one) c
        where c.count > 0
        union all
        select s.nth, 'FAILED', k.kind, c.count
        from span s cross join unnest(array['RETRY', 'DEAD', 'HELD']) as k (kind)
        cross join lateral (
            select count(*) from (
                select from outbound_delivery d
                where d.failure_kind = k.kind and d.failure_kind is not null
                  and d.message_id >= s.from_id and d.message_id < s.before_id
                limit $2) one) c
        where c.count > 0
        union all
        select width_bucket(f.message_id, $1), f.status, null, count(*)
        from (
            select d.message_id, d.status from outbound_delivery d where d.lease_expires_at is not null limit $2
        ) f
        where f.message_id >= ($1)[1] and f.message_id < ($1)[cardinality($1)]
        group by 1, 2")
}

statement! {
    /// An owner's or a branch's messages by span, status and kind of failure.
    CreatedBySome<'a> {
        bounds: Vec<Uuid> => Array<SqlUuid>,
        most: i64 => BigInt,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
    } -> (Integer, Text, Nullable<Text>, BigInt),
    Sql("
        select width_bucket(m.id, $1), d.status, d.failure_kind, count(*)
        from (
            (select id from outbound_message
             where owner_id = $3 and ($4::text is null or branch_id = $4)
               and id >= ($1)[1] and id < ($1)[cardinality($1)]
             order by id desc limit $2)
            union all
            (select id from outbound_message
             where $3::text is null and branch_id = $4 and id >= ($1)[1] and id < ($1)[cardinality($1)]
             order by id desc limit $2)
        ) m
        join outbound_delivery d on d.message_id = m.id
        group by 1, 2, 3")
}

statement! {
    /// The newest messages by channel, status and kind of failure.
    Outcomes<'a> {
        since: Uuid => SqlUuid,
        most: i64 => BigInt,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
    } -> (Text, Text, Nullable<Text>, BigInt),
    Sql("
        select n.channel, n.status, n.failure_kind, count(*)
        from (
            (select channel, status, failure_kind from outbound_delivery
             where $3::text is null and $4::text is null and message_id >= $1 order by message_id desc limit $2)
            union all
            (select d.channel, d.status, d.failure_kind
             from (select id from outbound_message
                   where owner_id = $3 and ($4::text is null or branch_id = $4) and id >= $1
                   order by id desc limit $2) m
             join outbound_delivery d on d.message_id = m.id)
            union all
            (select d.channel, d.status, d.failure_kind
             from (select id from outbound_message
                   where $3::text is null and branch_id = $4 and id >= $1
                   order by id desc limit $2) m
             join outbound_delivery d on d.message_id = m.id)
        ) n
        group by 1, 2, 3")
}

statement! {
    /// What waits, by channel and priority: how many are due, how many are not yet, and the first.
    Waiting<'a> {
        channels: Vec<&'static str> => Array<Text>,
        now: DateTime<Utc> => Timestamptz,
        most: i64 => BigInt,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
    } -> (SmallInt, BigInt, BigInt, Nullable<Timestamptz>),
    Sql("
        select a.rank, sum(a.due)::bigint, sum(a.later)::bigint, min(a.oldest)
        from (
            select r.rank, coalesce(sum(w.count) filter (where t.is_due), 0) as due,
                   coalesce(sum(w.count) filter (where not t.is_due), 0) as later,
                   min(w.first) filter (where t.is_due) as oldest
            from unnest($1) as c (channel) cross join unnest(array[1, 2, 3]::smallint[]) as r (rank)
            cross join unnest(array[true, false]) as t (is_due)
            cross join lateral (
                select count(*), min(n.next_attempt_at) as first
                from (
                    (select d.next_attempt_at from outbound_delivery d
                     where $4::text is null and $5::text is null and d.channel = c.channel and d.priority = r.rank
                       and d.next_attempt_at >= case when t.is_due then '-infinity' else $2 + interval '1 us' end
                       and d.next_attempt_at <= case when t.is_due then $2 else 'infinity' end
                       and d.next_attempt_at is not null and d.lease_id is null
                     order by d.next_attempt_at limit $3)
                    union all
                    (select d.next_attempt_at from outbound_delivery d
                     where d.owner_id = $4 and ($5::text is null or d.branch_id = $5)
                       and d.channel = c.channel and d.priority = r.rank
                       and d.next_attempt_at >= case when t.is_due then '-infinity' else $2 + interval '1 us' end
                       and d.next_attempt_at <= case when t.is_due then $2 else 'infinity' end
                       and d.next_attempt_at is not null and d.lease_id is null
                     order by d.next_attempt_at limit $3)
                ) n
            ) w
            group by 1
            union all
            -- A branch's index goes by its owners: one walk over what waits.
            select b.priority, count(*) filter (where b.next_attempt_at <= $2),
                   count(*) filter (where b.next_attempt_at > $2),
                   min(b.next_attempt_at) filter (where b.next_attempt_at <= $2)
            from (
                select d.priority, d.next_attempt_at from outbound_delivery d
                where $4::text is null and d.branch_id = $5
                  and d.next_attempt_at is not null and d.lease_id is null
                limit 4 * $3
            ) b
            group by 1
        ) a
        group by 1")
}

statement! {
    /// The owners' windows of the limit.
    OwnerWindows<'a> { owner_key: Option<&'a str> => Nullable<Text>, most: i64 => BigInt, }
        -> (Text, Array<BigInt>, Array<Integer>),
    Sql("
        (select key, seconds, counts from outbound_rate_window
         where $1::text is null and key > 'owner:' and key < 'owner;' limit $2)
        union all
        (select key, seconds, counts from outbound_rate_window where key = $1)")
}

statement! {
    /// What the latest message of each owner says about them.
    OwnersSaid { owner_ids: Vec<String> => Array<Text>, } -> (Text, Nullable<Text>, Nullable<Text>),
    Sql("
        select o.id, m.owner_name, m.branch_id
        from unnest($1) as o (id)
        cross join lateral (
            select owner_name, branch_id from outbound_message where owner_id = o.id order by id desc limit 1) m")
}

statement! {
    /// The newest dead and held messages by kind and error.
    Stuck<'a> {
        most: i64 => BigInt,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
    } -> (Text, Text, BigInt, Timestamptz, Array<Text>),
    Sql("
        select s.kind, s.error, count(*), max(s.updated_at), array_agg(distinct s.channel)
        from (
            select k.kind, n.error, n.updated_at, n.channel
            from unnest(array['DEAD', 'HELD']) as k (kind)
            cross join lateral (
                (select d.error, d.updated_at, d.channel from outbound_delivery d
                 where $2::text is null and $3::text is null and d.failure_kind = k.kind
                   and d.failure_kind is not null
                 order by d.message_id desc limit $1)
                union all
                (select d.error, d.updated_at, d.channel from outbound_delivery d
                 where d.owner_id = $2 and ($3::text is null or d.branch_id = $3) and d.failure_kind = k.kind
                   and d.failure_kind in ('DEAD', 'HELD')
                 order by d.message_id desc limit $1)
                union all
                (select d.error, d.updated_at, d.channel from outbound_delivery d
                 where $2::text is null and d.branch_id = $3 and d.failure_kind = k.kind
                   and d.failure_kind in ('DEAD', 'HELD')
                 order by d.message_id desc limit $1)
            ) n
        ) s
        group by 1, 2
        order by 3 desc, s.error collate \"C\", s.kind")
}
