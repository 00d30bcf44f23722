-- Leasing. One call does it all: a client that stops in its midst holds no lock, and what is chosen is taken at once.

-- The due messages of one priority, in order, after the given one; at most p_limit.
--
-- One index range for each channel, merged: nothing is stepped over, and no more is read than is answered.
create function outbound_due_of_rank_v1(
    p_now timestamptz, p_channels text[], p_rank smallint, p_after_at timestamptz, p_after_id uuid, p_limit integer
) returns table (message_id uuid, owner_id text, next_attempt_at timestamptz)
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    select w.message_id, w.owner_id, w.next_attempt_at
    from (
        (select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
         where 'ZALO' = any (p_channels) and d.channel = 'ZALO' and d.priority = p_rank
           and d.next_attempt_at <= p_now and d.lease_id is null
           and (d.next_attempt_at, d.message_id) > (p_after_at, p_after_id)
         order by d.next_attempt_at, d.message_id limit p_limit)
        union all
        (select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
         where 'FB' = any (p_channels) and d.channel = 'FB' and d.priority = p_rank
           and d.next_attempt_at <= p_now and d.lease_id is null
           and (d.next_attempt_at, d.message_id) > (p_after_at, p_after_id)
         order by d.next_attempt_at, d.message_id limit p_limit)
        union all
        (select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
         where 'SMS' = any (p_channels) and d.channel = 'SMS' and d.priority = p_rank
           and d.next_attempt_at <= p_now and d.lease_id is null
           and (d.next_attempt_at, d.message_id) > (p_after_at, p_after_id)
         order by d.next_attempt_at, d.message_id limit p_limit)
        union all
        (select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
         where 'CALL_NOTE' = any (p_channels) and d.channel = 'CALL_NOTE' and d.priority = p_rank
           and d.next_attempt_at <= p_now and d.lease_id is null
           and (d.next_attempt_at, d.message_id) > (p_after_at, p_after_id)
         order by d.next_attempt_at, d.message_id limit p_limit)
    ) w
    order by w.next_attempt_at, w.message_id limit p_limit;
end
$$;

-- The due messages in the order of the queue: by priority, then due time, then id; at most p_limit. The lower
-- priorities are not looked at when the higher ones fill the limit.
create function outbound_due_v1(
    p_now timestamptz, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean, p_limit integer
) returns table (message_id uuid, owner_id text, priority smallint, next_attempt_at timestamptz)
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
        if p_owner_id is not null then
            return query
            select w.message_id, w.owner_id, rank, w.next_attempt_at
            from unnest(p_channels) as c (channel)
            cross join lateral (
                select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
                where d.owner_id = p_owner_id and d.channel = c.channel and d.priority = rank
                  and d.next_attempt_at <= p_now and d.lease_id is null
                  and (p_branch_id is null or d.branch_id = p_branch_id)
                  and (not p_retry_only or d.failure_kind = 'RETRY')
                order by d.next_attempt_at, d.message_id limit room
            ) w
            order by w.next_attempt_at, w.message_id limit room;
        elsif p_branch_id is not null then
            return query
            select w.message_id, w.owner_id, rank, w.next_attempt_at
            from unnest(p_channels) as c (channel)
            cross join lateral (
                select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
                where d.branch_id = p_branch_id and d.channel = c.channel and d.priority = rank
                  and d.next_attempt_at <= p_now and d.lease_id is null
                  and (not p_retry_only or d.failure_kind = 'RETRY')
                order by d.next_attempt_at, d.message_id limit room
            ) w
            order by w.next_attempt_at, w.message_id limit room;
        elsif p_retry_only then
            return query
            select w.message_id, w.owner_id, rank, w.next_attempt_at
            from unnest(p_channels) as c (channel)
            cross join lateral (
                select d.message_id, d.owner_id, d.next_attempt_at from outbound_delivery d
                where d.failure_kind = 'RETRY' and d.channel = c.channel and d.priority = rank
                  and d.next_attempt_at <= p_now
                order by d.next_attempt_at, d.message_id limit room
            ) w
            order by w.next_attempt_at, w.message_id limit room;
        else
            return query
            select w.message_id, w.owner_id, rank, w.next_attempt_at
            from outbound_due_of_rank_v1(p_now, p_channels, rank, '-infinity', '00000000-0000-0000-0000-000000000000',
                                         room) w;
        end if;
        get diagnostics found_here = row_count;
        room := room - found_here;
    end loop;
end
$$;

-- Locks due messages in the order of the queue, passing over those that others have locked: leases without limits run
-- side by side, each with a full batch.
--
-- Walking and locking are two statements, again and again from where the last walk ended. In one, PostgreSQL would
-- walk anew for each row that another lease was faster with.
create function outbound_lock_due_v1(p_now timestamptz, p_channels text[], p_limit integer) returns uuid[]
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
declare
    rank smallint;
    room integer := p_limit;
    depth integer;
    walked uuid[];
    batch uuid[];
    locked uuid[] := '{}';
    after_at timestamptz;
    after_id uuid;
begin
    foreach rank in array array[1, 2, 3]::smallint[] loop
        after_at := '-infinity';
        after_id := '00000000-0000-0000-0000-000000000000';
        depth := room;
        while room > 0 loop
            select array_agg(w.message_id), max(w.next_attempt_at) into walked, after_at
            from outbound_due_of_rank_v1(p_now, p_channels, rank, after_at, after_id, depth) w;
            exit when walked is null;
            after_id := walked[cardinality(walked)];

            select array_agg(l.message_id) into batch
            from (
                select d.message_id from unnest(walked) with ordinality as c (message_id, place)
                join outbound_delivery d on d.message_id = c.message_id
                where d.next_attempt_at <= p_now and d.lease_id is null
                order by c.place
                limit room
                for update of d skip locked
            ) l;
            if batch is not null then
                locked := locked || batch;
                room := room - cardinality(batch);
            end if;
            exit when cardinality(walked) < depth;
            depth := greatest(2 * room, 50);
        end loop;
    end loop;
    return locked;
end
$$;

-- The first p_limit due messages of owners who have something left of their limit.
--
-- For when the messages of owners without any fill the front of the queue: goes from owner to owner in the index
-- rather than from message to message. At most p_limit owners can have a part in the answer, those whose first
-- message comes first, so only theirs are read further.
create function outbound_pick_by_owner_v1(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_limit integer, p_limit integer
) returns uuid[]
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
begin
return (
    with recursive owner (id) as (
        (select d.owner_id from outbound_delivery d
         where d.next_attempt_at is not null and d.lease_id is null
         order by d.owner_id limit 1)
        union all
        select (select d.owner_id from outbound_delivery d
                where d.next_attempt_at is not null and d.lease_id is null and d.owner_id > o.id
                order by d.owner_id limit 1)
        from owner o where o.id is not null
    ), open_owner as materialized (
        -- Without an owner there is no owner's limit.
        select o.id, case when o.id = '' then p_limit else p_owner_limit - coalesce(u.used, 0) end as room
        from owner o
        left join outbound_rate_window w on w.key = 'owner:' || o.id
        cross join lateral (
            select sum(s.count) as used from unnest(w.seconds, w.counts) as s (second, count)
            where s.second > p_second - 61
        ) u
        where o.id is not null and (o.id = '' or p_owner_limit > coalesce(u.used, 0))
    ), queue as materialized (
        select c.channel, r.rank from unnest(p_channels) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank)
    ), head as materialized (
        select o.id, o.room, h.message_id, h.priority, h.next_attempt_at
        from open_owner o
        cross join lateral (
            select f.* from queue q cross join lateral (
                select d.message_id, d.priority, d.next_attempt_at from outbound_delivery d
                where d.owner_id = o.id and d.channel = q.channel and d.priority = q.rank
                  and d.next_attempt_at <= p_now and d.lease_id is null
                order by d.next_attempt_at, d.message_id limit 1
            ) f
            order by f.priority, f.next_attempt_at, f.message_id limit 1
        ) h
        order by h.priority, h.next_attempt_at, h.message_id limit p_limit
    ), candidate as (
        select m.message_id, m.priority, m.next_attempt_at
        from head o
        cross join lateral (
            select f.* from queue q cross join lateral (
                select d.message_id, d.priority, d.next_attempt_at from outbound_delivery d
                where d.owner_id = o.id and d.channel = q.channel and d.priority = q.rank
                  and d.next_attempt_at <= p_now and d.lease_id is null
                order by d.next_attempt_at, d.message_id limit least(o.room, p_limit)
            ) f
            order by f.priority, f.next_attempt_at, f.message_id limit least(o.room, p_limit)
        ) m
    )
    select coalesce(array_agg(c.message_id order by c.priority, c.next_attempt_at, c.message_id), '{}')
    from (select * from candidate order by priority, next_attempt_at, message_id limit p_limit) c
);
end
$$;

-- The messages that the limits of the owners leave, in the order of the queue, and whether they held any back.
create function outbound_pick_v1(
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
    loop
        with walk as materialized (
            select d.message_id, d.owner_id, d.place
            from outbound_due_v1(p_now, p_channels, p_owner_id, p_branch_id, p_retry_only, depth) with ordinality
                as d (message_id, owner_id, priority, next_attempt_at, place)
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
        if p_owner_id is null and p_branch_id is null and not p_retry_only and depth > p_limit then
            picked := outbound_pick_by_owner_v1(p_now, p_second, p_channels, p_owner_limit, p_limit);
            exit;
        end if;
        depth := 4 * depth + 200;
    end loop;
    picked := picked[1:p_limit];
end
$$;

-- Leases due messages; see MessageStore::lease_due for what it promises.
create function outbound_lease_v1(
    p_now timestamptz, p_lease_id uuid, p_lease_expires_at timestamptz,
    -- The end of the wait for the callbacks, in pull mode; null in push mode.
    p_deadline timestamptz,
    p_limit integer, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
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
    -- When the messages are taken. Time does not go back from one limited lease to the next, whatever the clocks of
    -- the processes say and however long one waited for its turn; or the limits would not hold by these times.
    taken_at timestamptz := p_now;
    this_second bigint := floor(extract(epoch from p_now));
    waited interval;
    wanted integer := p_limit;
    held_back boolean := false;
    chosen integer;
    last_chosen outbound_delivery;
    owners text[];
begin
    suppressed := '{}';
    rate_limited := 0;

    if p_global_limit is null and p_owner_limit is null then
        if not p_dry_run and p_owner_id is null and p_branch_id is null and not p_retry_only then
            leased := outbound_lock_due_v1(p_now, p_channels, p_limit);
        else
            select coalesce(array_agg(d.message_id order by d.place), '{}') into leased
            from outbound_due_v1(p_now, p_channels, p_owner_id, p_branch_id, p_retry_only, p_limit) with ordinality
                as d (message_id, owner_id, priority, next_attempt_at, place);
        end if;
    else
        -- From here on limited leases take turns. Each statement below has a snapshot of its own, and so sees what
        -- the turns before have leased and charged.
        if not p_dry_run then
            perform from outbound_rate_window where key = '' for update;
            if not found then
                insert into outbound_rate_window (key, seconds, counts) values ('', '{}', '{}')
                on conflict (key) do nothing;
                perform from outbound_rate_window where key = '' for update;
            end if;
        end if;

        -- A long wait for the turn counts: what is taken now must not be charged to the second in which it began.
        waited := clock_timestamp() - statement_timestamp();
        if waited > '1 second' then
            taken_at := p_now + waited;
            this_second := floor(extract(epoch from taken_at));
        end if;
        select greatest(this_second, w.seconds[cardinality(w.seconds)]) into this_second
        from outbound_rate_window w where w.key = '';
        taken_at := greatest(taken_at, to_timestamp(this_second));

        -- The same sums as the domain's RateWindow: a second counts for 61.
        select least(wanted, min(greatest(0, l.most - coalesce(u.used, 0)))) into wanted
        from (values ('', p_global_limit), ('owner:' || p_owner_id, p_owner_limit)) as l (key, most)
        left join outbound_rate_window w on w.key = l.key
        cross join lateral (
            select sum(s.count) as used from unnest(w.seconds, w.counts) as s (second, count)
            where s.second > this_second - 61
        ) u
        where l.key is not null and l.most is not null;

        if wanted > 0 then
            select p.picked, p.held_back into leased, held_back
            from outbound_pick_v1(p_now, this_second, p_channels, p_owner_id, p_branch_id, p_retry_only, p_owner_limit,
                                  wanted) p;
        else
            leased := '{}';
        end if;

        -- What the limits held back: all else that is due when the batch is not full, or what was passed over.
        chosen := cardinality(leased);
        if chosen < p_limit then
            select count(*) - chosen into rate_limited
            from outbound_due_v1(p_now, p_channels, p_owner_id, p_branch_id, p_retry_only, most_counted + chosen);
        elsif held_back then
            select d.* into last_chosen from outbound_delivery d where d.message_id = leased[chosen];
            select greatest(0, count(*) filter (where (d.priority, d.next_attempt_at, d.message_id)
                <= (last_chosen.priority, last_chosen.next_attempt_at, last_chosen.message_id)) - chosen)
            into rate_limited
            from outbound_due_v1(p_now, p_channels, p_owner_id, p_branch_id, p_retry_only, most_counted + chosen) d;
        end if;
    end if;

    if not p_dry_run and not (p_global_limit is null and p_owner_limit is null and p_owner_id is null
                              and p_branch_id is null and not p_retry_only) then
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
            lease_id = p_lease_id, leased_at = greatest(taken_at, d.updated_at), lease_expires_at = coalesce(p_deadline, p_lease_expires_at),
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

    if p_global_limit is not null or p_owner_limit is not null then
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
