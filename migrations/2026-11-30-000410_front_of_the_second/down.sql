drop function outbound_pick_v4;
drop function outbound_front_v2;
drop table outbound_front;

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
    held_back boolean := false;
    chosen integer;
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
        select p.picked, p.places, p.held_back into leased, places, held_back
        from outbound_pick_v3(p_now, this_second, open_channels, p_owner_id, p_branch_id, p_retry_only,
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
        if places is null then
            select coalesce(array_agg(l.message_id), '{}') into leased
            from (
                select d.message_id from unnest(leased) with ordinality as c (message_id, place)
                join outbound_delivery d on d.message_id = c.message_id
                where d.next_attempt_at <= p_now and d.lease_id is null
                order by c.place
                for update of d skip locked
            ) l;
        else
            -- Whatever has moved since is no longer due, or it is passed over as if it were locked.
            select coalesce(array_agg(l.message_id), '{}'), array_agg(l.ctid) into leased, places
            from (
                select d.message_id, d.ctid from unnest(leased, places) with ordinality as c (message_id, at, place)
                join outbound_delivery d on d.ctid = c.at
                where d.message_id = c.message_id and d.next_attempt_at <= p_now and d.lease_id is null
                order by c.place
                for update of d skip locked
            ) l;
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
        ['outbound_pick_v3\(', 'outbound_pick_one_v1(p_only, ', '1'],
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
