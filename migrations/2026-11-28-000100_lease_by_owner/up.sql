-- The lease, second version: whatever scope a run has, an owner at the limit costs nothing; and what is leased is
-- leased in open hours by the time at which it really happens.

-- Within a branch, and of the retries, the walk goes from owner to owner, as it does over the whole queue.
create index outbound_delivery_due_by_branch_owner
    on outbound_delivery (branch_id, owner_id, channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null and branch_id is not null;
create index outbound_delivery_retry_by_owner
    on outbound_delivery (owner_id, channel, priority, next_attempt_at, message_id)
    where failure_kind = 'RETRY';
drop index outbound_delivery_due_by_branch;
drop index outbound_delivery_due_retry;

-- The condition, on the table `d`, of the rows that a run with this scope may take; $2 is the branch. Each is the
-- condition of one index: of all that wait, of a branch's, and of the retries.
create function outbound_rows_of_scope_v1(p_branch_id text, p_retry_only boolean) returns text
language sql immutable
as $$
    select case
        when p_retry_only and p_branch_id is not null then 'd.failure_kind = ''RETRY'' and d.branch_id = $2'
        when p_retry_only then 'd.failure_kind = ''RETRY'''
        when p_branch_id is not null
            then 'd.next_attempt_at is not null and d.lease_id is null and d.branch_id = $2'
        else 'd.next_attempt_at is not null and d.lease_id is null'
    end
$$;

-- The first p_limit due messages, in the order of the queue, of owners who have something left of their limit
-- (p_owner_limit null: there is none); p_owner_id: of that owner alone.
--
-- Goes from owner to owner in an index rather than from message to message, so that it does not matter how much an
-- owner at the limit has in front. At most p_limit owners can have a part in the answer, those whose first message
-- comes first, so only theirs are read further.
create function outbound_pick_by_owner_v2(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
    p_owner_limit integer, p_limit integer
) returns uuid[]
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
as $$
declare
    picked uuid[];
begin
    execute replace($query$
        with recursive owner (id) as (
            select case when $5 is null then (
                select d.owner_id from outbound_delivery d where ROWS_OF_SCOPE order by d.owner_id limit 1
            ) else $5 end
            union all
            select (select d.owner_id from outbound_delivery d where ROWS_OF_SCOPE and d.owner_id > o.id
                    order by d.owner_id limit 1)
            from owner o where o.id is not null and $5 is null
        ), open_owner as materialized (
            -- Without an owner there is no owner's limit.
            select o.id, case when o.id = '' or $6 is null then $7 else $6 - coalesce(u.used, 0) end as room
            from owner o
            left join outbound_rate_window w on w.key = 'owner:' || o.id and $6 is not null
            cross join lateral (
                select sum(s.count) as used from unnest(w.seconds, w.counts) as s (second, count)
                where s.second > $3 - 61
            ) u
            where o.id is not null and (o.id = '' or $6 is null or $6 > coalesce(u.used, 0))
        ), queue as materialized (
            select c.channel, r.rank from unnest($4) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank)
        ), head as materialized (
            select o.id, o.room, h.message_id, h.priority, h.next_attempt_at
            from open_owner o
            cross join lateral (
                select f.* from queue q cross join lateral (
                    select d.message_id, d.priority, d.next_attempt_at from outbound_delivery d
                    where ROWS_OF_SCOPE and d.owner_id = o.id and d.channel = q.channel and d.priority = q.rank
                      and d.next_attempt_at <= $1
                    order by d.next_attempt_at, d.message_id limit 1
                ) f
                order by f.priority, f.next_attempt_at, f.message_id limit 1
            ) h
            order by h.priority, h.next_attempt_at, h.message_id limit $7
        ), candidate as (
            select m.message_id, m.priority, m.next_attempt_at
            from head o
            cross join lateral (
                select f.* from queue q cross join lateral (
                    select d.message_id, d.priority, d.next_attempt_at from outbound_delivery d
                    where ROWS_OF_SCOPE and d.owner_id = o.id and d.channel = q.channel and d.priority = q.rank
                      and d.next_attempt_at <= $1
                    order by d.next_attempt_at, d.message_id limit least(o.room, $7)
                ) f
                order by f.priority, f.next_attempt_at, f.message_id limit least(o.room, $7)
            ) m
        )
        select coalesce(array_agg(c.message_id order by c.priority, c.next_attempt_at, c.message_id), '{}')
        from (select * from candidate order by priority, next_attempt_at, message_id limit $7) c
        $query$, 'ROWS_OF_SCOPE', outbound_rows_of_scope_v1(p_branch_id, p_retry_only))
    into picked
    using p_now, p_branch_id, p_second, p_channels, p_owner_id, p_owner_limit, p_limit;
    return picked;
end
$$;

-- How many messages are due, counted up to p_most. With p_last, only those up to it in the order of the queue.
create function outbound_count_due_v1(
    p_now timestamptz, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean, p_most integer,
    p_last uuid default null
) returns integer
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
as $$
declare
    by_owner constant boolean := p_owner_id is not null or p_branch_id is not null or p_retry_only;
    last_rank smallint := 3;
    last_at timestamptz := p_now;
    last_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    counted integer;
begin
    if p_last is not null then
        select d.priority, d.next_attempt_at, d.message_id into last_rank, last_at, last_id
        from outbound_delivery d where d.message_id = p_last;
    end if;
    -- In no order: it is enough to come to so many.
    execute replace(replace(replace($query$
        with recursive owner (id) as (
            select case when $5 is null then (
                select d.owner_id from outbound_delivery d where ROWS_OF_SCOPE order by d.owner_id limit 1
            ) else $5 end
            union all
            select (select d.owner_id from outbound_delivery d where ROWS_OF_SCOPE and d.owner_id > o.id
                    order by d.owner_id limit 1)
            from owner o where o.id is not null and $5 is null
        ), queue as materialized (
            select c.channel, r.rank,
                   case when r.rank < $6 then $1 else $7 end as last_at,
                   case when r.rank < $6 then 'ffffffff-ffff-ffff-ffff-ffffffffffff' else $8 end as last_id
            from unnest($4) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank)
            where r.rank <= $6
        )
        select count(*) from (
            select from queue q BY_OWNER cross join lateral (
                select from outbound_delivery d
                where ROWS_OF_SCOPE OF_OWNER and d.channel = q.channel and d.priority = q.rank
                  and (d.next_attempt_at, d.message_id) <= (q.last_at, q.last_id)
                limit $3
            ) f
            limit $3
        ) found
        $query$,
        'ROWS_OF_SCOPE', outbound_rows_of_scope_v1(p_branch_id, p_retry_only)),
        'BY_OWNER', case when by_owner then 'join owner o on o.id is not null' else '' end),
        'OF_OWNER', case when by_owner then 'and d.owner_id = o.id' else '' end)
    into counted
    using p_now, p_branch_id, p_most, p_channels, p_owner_id, last_rank, last_at, last_id;
    return counted;
end
$$;

-- The first due messages of the whole queue in its order; at most p_limit. The lower priorities are not looked at when
-- the higher ones fill the limit.
create function outbound_due_v2(p_now timestamptz, p_channels text[], p_limit integer)
returns table (message_id uuid, owner_id text)
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    rank smallint;
    room integer := p_limit;
    found_here integer;
begin
    foreach rank in array array[1, 2, 3]::smallint[] loop
        exit when room <= 0;
        return query
        select w.message_id, w.owner_id
        from outbound_due_of_rank_v1(p_now, p_channels, rank, '-infinity', '00000000-0000-0000-0000-000000000000',
                                     room) w;
        get diagnostics found_here = row_count;
        room := room - found_here;
    end loop;
end
$$;

-- The messages that a run with this scope may take of what the owners' limits leave, in the order of the queue, and
-- whether the limits may have held any back.
create function outbound_pick_v2(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
    p_owner_limit integer, p_limit integer,
    out picked uuid[], out held_back boolean
)
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    depth integer := p_limit;
    walked integer;
begin
    held_back := p_owner_limit is not null;
    if p_owner_id is not null or p_branch_id is not null or p_retry_only then
        picked := outbound_pick_by_owner_v2(p_now, p_second, p_channels, p_owner_id, p_branch_id, p_retry_only,
                                            p_owner_limit, p_limit);
        return;
    end if;

    -- The front of the queue is enough, but where owners at their limit fill it.
    loop
        with walk as materialized (
            select d.message_id, d.owner_id, d.place
            from outbound_due_v2(p_now, p_channels, depth) with ordinality as d (message_id, owner_id, place)
        ), room as materialized (
            select o.owner_id, p_owner_limit - coalesce(u.used, 0) as left_over
            from (select distinct owner_id from walk where owner_id <> '') o
            left join outbound_rate_window w on w.key = 'owner:' || o.owner_id
            cross join lateral (
                select sum(s.count) as used from unnest(w.seconds, w.counts) as s (second, count)
                where s.second > p_second - 61
            ) u
            where p_owner_limit is not null
        ), ranked as (
            select w.message_id, w.place, r.left_over,
                   row_number() over (partition by w.owner_id order by w.place) as nth_of_owner
            from walk w left join room r on r.owner_id = w.owner_id
        )
        select count(*), coalesce(array_agg(message_id order by place)
                                  filter (where left_over is null or nth_of_owner <= left_over), '{}')
        into walked, picked
        from ranked;

        held_back := cardinality(picked) < walked;
        exit when cardinality(picked) >= p_limit or walked < depth;
        if depth > p_limit then
            picked := outbound_pick_by_owner_v2(p_now, p_second, p_channels, null, null, false, p_owner_limit, p_limit);
            exit;
        end if;
        depth := 4 * depth + 200;
    end loop;
    picked := picked[1:p_limit];
end
$$;

-- Leases due messages; see MessageStore::lease_due for what it promises.
create function outbound_lease_v2(
    p_now timestamptz,
    -- How long the call has been on its way since p_now.
    p_waited_ms integer,
    p_lease_id uuid, p_lease_expires_at timestamptz,
    -- The end of the wait for the callbacks, in pull mode; null in push mode.
    p_deadline timestamptz,
    p_limit integer,
    -- The channels that are open, and when the quiet hours of each begin; null: it has none.
    p_channels text[], p_closes_at timestamptz[],
    p_owner_id text, p_branch_id text, p_retry_only boolean,
    -- null: no limit.
    p_global_limit integer, p_owner_limit integer,
    p_actor text, p_ignored_quiet_hours boolean, p_dry_run boolean,
    out leased uuid[], out suppressed uuid[], out rate_limited integer
)
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set enable_memoize = off set plan_cache_mode = force_generic_plan
as $$
declare
    -- Counted up to this many, whatever there is.
    most_counted constant integer := 1000;
    limited constant boolean := p_global_limit is not null or p_owner_limit is not null;
    scoped constant boolean := p_owner_id is not null or p_branch_id is not null or p_retry_only;
    -- When the messages are taken. Time does not go back from one limited lease to the next, whatever the clocks of
    -- the processes say and however long one waited for its turn; or the limits would not hold by these times.
    taken_at timestamptz := p_now;
    this_second bigint;
    waited interval;
    open_channels text[];
    wanted integer := p_limit;
    held_back boolean := false;
    chosen integer;
    owners text[];
begin
    leased := '{}';
    suppressed := '{}';
    rate_limited := 0;

    if not p_dry_run then
        -- Whoever has the table for himself is waited for here, not after the time was read.
        lock table outbound_delivery in row exclusive mode;
        if limited then
            -- From here on limited leases take turns. Each statement below has a snapshot of its own, and so sees
            -- what the turns before have leased and charged.
            perform from outbound_rate_window where key = '' for update;
            if not found then
                insert into outbound_rate_window (key, seconds, counts) values ('', '{}', '{}')
                on conflict (key) do nothing;
                perform from outbound_rate_window where key = '' for update;
            end if;
        end if;
    end if;

    -- A long wait counts: what is taken now must not be charged to the second in which it began, nor go out in quiet
    -- hours that have begun meanwhile.
    waited := make_interval(secs => p_waited_ms / 1000.0) + (clock_timestamp() - statement_timestamp());
    if waited > '1 second' then
        taken_at := p_now + waited;
    end if;
    this_second := floor(extract(epoch from taken_at));
    if limited then
        select greatest(this_second, w.seconds[cardinality(w.seconds)]) into this_second
        from outbound_rate_window w where w.key = '';
        taken_at := greatest(taken_at, to_timestamp(this_second));
    end if;
    select coalesce(array_agg(c.channel), '{}') into open_channels
    from unnest(p_channels, p_closes_at) as c (channel, closes_at)
    where c.closes_at is null or c.closes_at > greatest(taken_at, p_now + waited);

    if p_global_limit is not null then
        -- The same sum as the domain's RateWindow: a second counts for 61.
        select least(wanted, greatest(0, p_global_limit - coalesce(sum(s.count), 0))) into wanted
        from outbound_rate_window w, unnest(w.seconds, w.counts) as s (second, count)
        where w.key = '' and s.second > this_second - 61;
    end if;

    if not limited and not scoped and not p_dry_run then
        leased := outbound_lock_due_v1(p_now, open_channels, p_limit);
    elsif wanted > 0 then
        select p.picked, p.held_back into leased, held_back
        from outbound_pick_v2(p_now, this_second, open_channels, p_owner_id, p_branch_id, p_retry_only,
                              p_owner_limit, wanted) p;
    end if;

    if limited then
        -- What the limits held back: all else that is due when the batch is not full, or what was passed over.
        chosen := cardinality(leased);
        if chosen < p_limit then
            rate_limited := outbound_count_due_v1(p_now, open_channels, p_owner_id, p_branch_id, p_retry_only,
                                                  most_counted + chosen) - chosen;
        elsif held_back then
            rate_limited := greatest(0, outbound_count_due_v1(p_now, open_channels, p_owner_id, p_branch_id, p_retry_only,
                                                              most_counted + chosen, leased[chosen]) - chosen);
        end if;
    end if;

    if not p_dry_run and (limited or scoped) then
        select coalesce(array_agg(l.message_id), '{}') into leased
        from (
            select d.message_id from unnest(leased) with ordinality as c (message_id, place)
            join outbound_delivery d on d.message_id = c.message_id
            where d.next_attempt_at <= p_now and d.lease_id is null
            order by c.place
            for update of d skip locked
        ) l;
    end if;

    if cardinality(leased) > 0 and exists (select from outbound_opt_out) then
        select coalesce(array_agg(l.message_id order by l.place) filter (where l.gone), '{}'),
               coalesce(array_agg(l.message_id order by l.place) filter (where not l.gone), '{}')
        into suppressed, leased
        from (
            select c.message_id, c.place, exists (
                select from outbound_opt_out o
                where o.channel = m.channel
                  and o.key in ('student:' || m.student_id, 'lead:' || m.lead_id, 'to:' || m.recipient)) as gone
            from unnest(leased) with ordinality as c (message_id, place)
            join outbound_message m on m.id = c.message_id
        ) l;
    end if;

    if p_dry_run then
        return;
    end if;

    if cardinality(suppressed) > 0 then
        -- As if it had been leased first, which is how the timeline tells it.
        with gone as (
            update outbound_delivery d
            set status = 'SKIPPED', error = 'OPTED_OUT', next_attempt_at = null, failure_kind = null,
                attempt = d.attempt + coalesce(d.attempt_failed, false)::integer, attempt_failed = null,
                revision = d.revision + 1, updated_at = greatest(taken_at, d.updated_at)
            where d.message_id = any (suppressed)
            returning d.message_id, d.attempt, d.updated_at
        )
        insert into outbound_event (
            message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, detail)
        select g.message_id, g.updated_at, 'SUPPRESSED', 'LEASED', 'SKIPPED', 'system', g.attempt, p_lease_id,
               g.updated_at, 'OPTED_OUT'
        from gone g;
    end if;

    if cardinality(leased) = 0 then
        return;
    end if;

    with taken as (
        update outbound_delivery d
        set status = case when p_deadline is null then 'LEASED' else 'DISPATCHED' end,
            -- Never before what happened to the message meanwhile: its timeline stays in order.
            lease_id = p_lease_id, leased_at = greatest(taken_at, d.updated_at),
            lease_expires_at = coalesce(p_deadline, p_lease_expires_at),
            -- A retry after a known failure is a new attempt, with a new idempotency key.
            attempt = d.attempt + coalesce(d.attempt_failed, false)::integer,
            -- Push: all that a release needs to put it back as it was.
            resume_status = case when p_deadline is null then d.status end,
            next_attempt_at = case when p_deadline is null then d.next_attempt_at end,
            attempt_failed = case when p_deadline is null then d.attempt_failed end,
            error = case when p_deadline is null then d.error end,
            -- Pull: handed off.
            dispatched_at = case when p_deadline is not null then greatest(taken_at, d.updated_at) end,
            attempted = d.attempted or p_deadline is not null,
            handoff_failures = case when p_deadline is null then d.handoff_failures else 0 end,
            lost_leases = case when p_deadline is null then d.lost_leases else 0 end,
            failure_kind = null, revision = d.revision + 1, updated_at = greatest(taken_at, d.updated_at)
        where d.message_id = any (leased)
        returning d.owner_id
    )
    select array_agg(t.owner_id) into owners from taken t;

    if limited then
        insert into outbound_rate_window as w (key, seconds, counts)
        select c.key, array[this_second], array[c.count]
        from (
            -- Even where only the owners are limited: it is the clock of the turns.
            select '' as key, cardinality(leased) as count
            union all
            select 'owner:' || o.id, count(*)::integer from unnest(owners) as o (id)
            where o.id <> '' and p_owner_limit is not null group by o.id
        ) c
        on conflict (key) do update set (seconds, counts) = (
            select array_agg(s.second order by s.second), array_agg(s.count order by s.second)
            from (
                select a.second, sum(a.count)::integer as count
                from unnest(w.seconds || excluded.seconds, w.counts || excluded.counts) as a (second, count)
                where a.second > this_second - 61
                group by a.second
            ) s
        );
    end if;

    insert into outbound_run as r (
        lease_id, started_at, actor, pulled, ignored_quiet_hours, leased, rate_limited)
    values (p_lease_id, p_now, p_actor, p_deadline is not null, p_ignored_quiet_hours, cardinality(leased),
            rate_limited)
    on conflict (lease_id) do update set leased = r.leased + excluded.leased;
end
$$;
