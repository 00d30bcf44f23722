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
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = on
set plan_cache_mode = force_generic_plan
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
create or replace function outbound_lease_v2(
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

-- The lease of one message that is named is made anew, from the lease above.
do $migration$
declare
    body text := pg_get_functiondef('outbound_lease_v2'::regproc);
    place text[];
begin
    foreach place slice 1 in array array[
        ['outbound_lease_v2\(', 'outbound_lease_one_v1(p_only uuid, ', '1'],
        ['scoped constant boolean := [^;]*;', 'scoped constant boolean := true;', '1'],
        ['outbound_pick_v2\(', 'outbound_pick_one_v1(p_only, ', '1'],
        ['outbound_count_due_v1\(', 'outbound_count_one_v1(p_only, ', '2']
    ] loop
        if regexp_count(body, place[1]) <> place[3]::integer then
            raise exception 'outbound_lease_v2 is not as this migration knows it: %', place[1];
        end if;
        body := regexp_replace(body, place[1], place[2], 'g');
    end loop;
    execute body;
end
$migration$;

drop function outbound_charge_v1;
drop function outbound_pick_v3;
drop function outbound_front_v1;

-- The walk from owner to owner sums up by itself again.
do $migration$
declare
    kind text;
begin
    foreach kind in array array['waiting', 'branch', 'retry', 'branch_retry'] loop
        execute replace(
            pg_get_functiondef(format('outbound_pick_by_owner_%s_v1', kind)::regproc),
            '(select u.used from outbound_used_v1(w.seconds, w.counts, p_second) u)',
            '(
                              select coalesce(sum(s.count), 0) from unnest(w.seconds, w.counts) as s (second, count)
                              where s.second > p_second - 61)');
    end loop;
end
$migration$;
