-- What a walk from owner to owner has found out is used for the rest of the second; and a lease looks behind what others
-- have locked, with limits too.

-- Where the front of the queue begins in each priority, but for owners who are at their limit: in this second, for
-- these channels and this limit or a lower one. A walk over all owners has found it. One row, written by whoever has the
-- lock of limited leases. What comes to stand before it meanwhile, as it was given back, waits for the next second at
-- most, and for no other reason than that others fill the batch.
create unlogged table outbound_front (
    one boolean primary key default true check (one),
    second bigint not null,
    channels text[] not null,
    owner_limit integer not null,
    from_at timestamptz[] not null,
    from_ids uuid[] not null,
    -- By the database's clock, whatever the servers' say: the second of a fast one stays the newest for long.
    found_at timestamptz not null default clock_timestamp()
);

-- The first due messages of the whole queue in its order, where their rows are, and whose they are; in each priority
-- from where p_from_at and p_from_ids say. The lower priorities are not looked at when the higher ones fill the limit:
-- the loop over the ranks ends before.
do $migration$
declare
    ranges text;
begin
    select string_agg(format($part$
                (select d.message_id, d.ctid, d.owner_id, d.next_attempt_at from outbound_delivery d
                 where %1$L = any (p_channels) and d.channel = %1$L and d.priority = r.rank
                   and d.next_attempt_at <= p_now and d.lease_id is null
                   and (d.next_attempt_at, d.message_id) >= (p_from_at[r.rank], p_from_ids[r.rank])
                 order by d.next_attempt_at, d.message_id limit p_limit)$part$, channel), ' union all ')
    into ranges
    from unnest(array['ZALO', 'FB', 'SMS', 'CALL_NOTE']) as c (channel);

    execute replace($create$
create function outbound_front_v2(
    p_now timestamptz, p_channels text[], p_limit integer, p_from_at timestamptz[], p_from_ids uuid[],
    out ids uuid[], out places tid[], out owners text[]
)
language plpgsql stable
set enable_sort = off
as $body$
begin
    select coalesce(array_agg(f.message_id), '{}'), array_agg(f.ctid), coalesce(array_agg(f.owner_id), '{}')
    into ids, places, owners
    from (
        select w.* from unnest(array[1, 2, 3]::smallint[]) as r (rank)
        cross join lateral (
            select * from (RANGES
            ) o
            order by o.next_attempt_at, o.message_id limit p_limit
        ) w
        limit p_limit
    ) f;
end
$body$;
    $create$, 'RANGES', ranges);
end
$migration$;

-- The messages that a run with this scope may take of what the owners' limits leave, in the order of the queue, and
-- whether the limits may have held any back. Where they are the queue's front as it is, also where their rows are; where
-- all owners were looked at and the batch is full, also where the front begins for the next.
create function outbound_pick_v4(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
    p_owner_limit integer, p_limit integer,
    out picked uuid[], out places tid[], out held_back boolean, out next_at timestamptz[], out next_ids uuid[]
)
language plpgsql stable
set enable_hashjoin = on
as $$
declare
    -- A message that is being queued, on a machine whose clock is behind perhaps, is not passed over as if it belonged
    -- to an owner at the limit.
    just_queued constant interval := interval '10 seconds';
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    from_at timestamptz[];
    from_ids uuid[];
    known boolean;
    depth integer := p_limit;
    front record;
    full_owners text[];
    rooms bigint[];
begin
    held_back := p_owner_limit is not null;
    if p_owner_id is not null or p_branch_id is not null or p_retry_only then
        picked := outbound_pick_by_owner_v2(p_now, p_second, p_channels, p_owner_id, p_branch_id, p_retry_only,
                                            p_owner_limit, p_limit);
        return;
    end if;

    select f.from_at, f.from_ids into from_at, from_ids from outbound_front f
    where f.one and f.second = p_second and p_channels <@ f.channels and p_owner_limit <= f.owner_limit
      and clock_timestamp() - f.found_at between interval '0' and interval '1 second';
    known := found;
    if not known then
        from_at := array_fill(timestamptz '-infinity', array[3]);
        from_ids := array_fill(nobody, array[3]);
    end if;

    -- The front of the queue is enough, but where owners at their limit fill it.
    loop
        front := outbound_front_v2(p_now, p_channels, depth, from_at, from_ids);
        full_owners := null;
        if p_owner_limit is not null then
            -- Who would have more than what is left.
            select array_agg(o.id), array_agg(o.room) into full_owners, rooms
            from (
                select c.id, c.count, p_owner_limit - coalesce((
                    select u.used from outbound_rate_window w, outbound_used_v1(w.seconds, w.counts, p_second) u
                    where w.key = 'owner:' || c.id), 0) as room
                from (
                    select n.id, count(*) from unnest(front.owners) as n (id) where n.id <> '' group by n.id
                ) c
            ) o
            where o.count > o.room;
        end if;
        if full_owners is null and (not known or cardinality(front.ids) >= p_limit) then
            picked := front.ids[:p_limit];
            places := front.places[:p_limit];
            held_back := known;
            return;
        end if;
        select coalesce(array_agg(r.message_id order by r.place)
                        filter (where r.room is null or r.nth_of_owner <= r.room), '{}') into picked
        from (
            select w.message_id, w.place, f.room, row_number() over (partition by w.owner_id order by w.place)
                as nth_of_owner
            from unnest(front.ids, front.owners) with ordinality as w (message_id, owner_id, place)
            left join unnest(full_owners, rooms) as f (owner_id, room) on f.owner_id = w.owner_id
        ) r;

        held_back := known or cardinality(picked) < cardinality(front.ids);
        exit when cardinality(picked) >= p_limit or (not known and cardinality(front.ids) < depth);
        if depth > p_limit or cardinality(front.ids) < depth then
            picked := outbound_pick_by_heads_v1(p_now, p_second, p_channels, p_owner_limit, p_limit);
            if cardinality(picked) >= p_limit then
                -- The first of each priority; before the last one's priority all belongs to owners at their limit.
                select array_agg(coalesce(n.at, case when r.rank < l.rank then p_now - just_queued else '-infinity' end)
                                 order by r.rank),
                       array_agg(coalesce(n.id, nobody) order by r.rank)
                into next_at, next_ids
                from unnest(array[1, 2, 3]) as r (rank)
                cross join (
                    select d.priority as rank from outbound_delivery d where d.message_id = picked[p_limit]
                ) l
                left join (
                    select distinct on (d.priority) d.priority as rank, d.next_attempt_at as at, d.message_id as id
                    from unnest(picked) with ordinality as p (id, place)
                    join outbound_delivery d on d.message_id = p.id
                    order by d.priority, p.place
                ) n on n.rank = r.rank;
            end if;
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
    -- In seconds.
    most_ahead constant integer := 5;
    -- How far a lease looks for more behind what others have locked.
    most_asked constant integer := 32 * p_limit;
    limited constant boolean := p_global_limit is not null or p_owner_limit is not null;
    scoped constant boolean := p_owner_id is not null or p_branch_id is not null or p_retry_only;
    -- When the messages are taken. Time does not go back from one limited lease to the next, whatever the clocks of
    -- the processes say and however long one waited for its turn; or the limits would not hold by these times.
    taken_at timestamptz := p_now;
    this_second bigint;
    on_its_way constant interval := make_interval(secs => p_waited_ms / 1000.0);
    waited interval;
    choice_end bigint;
    latest timestamptz;
    open_channels text[];
    wanted integer := p_limit;
    -- What was chosen, of which that is leased which nobody else has locked.
    chosen uuid[] := '{}';
    asked integer;
    allowed integer;
    held_back boolean := false;
    -- Where the front of the queue begins for the next.
    next_at timestamptz[];
    next_ids uuid[];
    owners text[];
    -- The window of all messages.
    all_seconds bigint[];
    all_counts integer[];
    -- Where the rows of what is leased are, where that is known.
    places tid[];
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
            select w.seconds, w.counts into all_seconds, all_counts
            from outbound_rate_window w where w.key = '' for update;
            if not found then
                insert into outbound_rate_window (key, seconds, counts) values ('', '{}', '{}')
                on conflict (key) do nothing;
                select w.seconds, w.counts into all_seconds, all_counts
                from outbound_rate_window w where w.key = '' for update;
            end if;
        end if;
    elsif limited then
        select w.seconds, w.counts into all_seconds, all_counts from outbound_rate_window w where w.key = '';
    end if;

    -- A wait counts: what is taken now must not be charged to the second in which it began, nor go out in quiet hours
    -- that have begun meanwhile. Within one second the caller's time is as good.
    waited := on_its_way + (clock_timestamp() - statement_timestamp());
    this_second := floor(extract(epoch from p_now + waited));
    if this_second > floor(extract(epoch from p_now)) then
        taken_at := p_now + waited;
    end if;
    if limited then
        this_second := greatest(this_second, all_seconds[cardinality(all_seconds)]);
        taken_at := greatest(taken_at, to_timestamp(this_second));
    end if;
    select coalesce(array_agg(c.channel), '{}') into open_channels
    from unnest(p_channels, p_closes_at) as c (channel, closes_at)
    where c.closes_at is null or c.closes_at > greatest(taken_at, p_now + waited);

    if p_global_limit is not null then
        select least(wanted, greatest(0, p_global_limit - u.used)) into wanted
        from outbound_used_v1(all_seconds, all_counts, this_second) u;
    end if;

    if not limited and not scoped and not p_dry_run then
        leased := outbound_lock_due_v1(p_now, open_channels, p_limit);
    elsif wanted > 0 then
        asked := wanted;
        loop
            select p.picked, p.places, p.held_back, p.next_at, p.next_ids
            into chosen, places, held_back, next_at, next_ids
            from outbound_pick_v4(p_now, this_second, open_channels, p_owner_id, p_branch_id, p_retry_only,
                                  p_owner_limit, asked) p;
            leased := chosen;
            exit when p_dry_run;
            if places is null then
                select coalesce(array_agg(l.message_id), '{}') into leased
                from (
                    select d.message_id from unnest(chosen) with ordinality as c (message_id, place)
                    join outbound_delivery d on d.message_id = c.message_id
                    where d.next_attempt_at <= p_now and d.lease_id is null
                    order by c.place limit wanted
                    for update of d skip locked
                ) l;
            else
                -- Whatever has moved since is no longer due, or it is passed over as if it were locked.
                select coalesce(array_agg(l.message_id), '{}'), array_agg(l.ctid) into leased, places
                from (
                    select d.message_id, d.ctid
                    from unnest(chosen, places) with ordinality as c (message_id, at, place)
                    join outbound_delivery d on d.ctid = c.at
                    where d.message_id = c.message_id and d.next_attempt_at <= p_now and d.lease_id is null
                    order by c.place limit wanted
                    for update of d skip locked
                ) l;
            end if;
            exit when cardinality(leased) = wanted or cardinality(chosen) < asked or asked >= most_asked;
            -- Others have locked some of them, for a cancellation perhaps: as many more are looked for behind.
            asked := asked + cardinality(chosen) - cardinality(leased);
        end loop;
    end if;

    if next_at is not null and not p_dry_run then
        insert into outbound_front as f (second, channels, owner_limit, from_at, from_ids)
        values (this_second, open_channels, p_owner_limit, next_at, next_ids)
        on conflict (one) do update
        set second = excluded.second, channels = excluded.channels, owner_limit = excluded.owner_limit,
            from_at = excluded.from_at, from_ids = excluded.from_ids, found_at = excluded.found_at;
    end if;

    if limited then
        -- What the limits held back: all else that is due when the batch is not full, or what was passed over.
        if wanted < p_limit or cardinality(chosen) < p_limit then
            allowed := case when wanted < p_limit then cardinality(leased) else cardinality(chosen) end;
            rate_limited := outbound_count_due_v1(p_now, open_channels, p_owner_id, p_branch_id, p_retry_only,
                                                  most_counted + allowed) - allowed;
        elsif held_back then
            rate_limited := greatest(0, outbound_count_due_v1(p_now, open_channels, p_owner_id, p_branch_id, p_retry_only,
                                                              most_counted + cardinality(chosen),
                                                              chosen[cardinality(chosen)]) - cardinality(chosen));
        end if;
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

    if limited then
        -- The choice took its time too. What it ran into is charged, and written down where that is no closing time.
        choice_end := floor(extract(epoch from p_now + on_its_way + (clock_timestamp() - statement_timestamp())));
        if choice_end > this_second then
            this_second := choice_end;
            if not exists (
                select from unnest(p_channels, p_closes_at) as c (channel, closes_at)
                where c.channel = any (open_channels) and c.closes_at <= to_timestamp(choice_end)
            ) then
                taken_at := to_timestamp(choice_end);
            end if;
        end if;
    end if;

    if places is null or cardinality(suppressed) > 0 then
        select array_agg(d.ctid) into places from outbound_delivery d where d.message_id = any (leased);
    end if;
    -- By their places, which nobody can change while they are locked: by their keys it would be looked for once more.
    with taken as (
        update outbound_delivery d
        set status = case when p_deadline is null then 'LEASED' else 'DISPATCHED' end,
            -- Never before what happened to the message meanwhile: its timeline stays in order.
            lease_id = p_lease_id, leased_at = greatest(taken_at, d.updated_at),
            -- Whoever waited has the lease as long as whoever did not.
            lease_expires_at = coalesce(p_deadline, p_lease_expires_at) + (taken_at - p_now),
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
        where d.ctid = any (places)
        returning d.owner_id, d.leased_at
    )
    select array_agg(t.owner_id), max(t.leased_at) into owners, latest from taken t;

    if limited then
        -- By the latest time that is written down; a clock that is far ahead does not hold up the others.
        perform outbound_charge_v1(
            greatest(this_second, least(floor(extract(epoch from latest)), choice_end + most_ahead))::bigint, owners,
            p_owner_limit is not null);
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
        ['p\.held_back, p\.next_at, p\.next_ids', 'p.held_back, null, null', '1'],
        ['outbound_pick_v4\(', 'outbound_pick_one_v1(p_only, ', '1'],
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
