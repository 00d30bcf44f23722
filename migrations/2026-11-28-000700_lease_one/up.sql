-- A lease of one message that is named: somebody wants this one to go now. It passes what stands in front of it, and
-- is held by all that holds the others: its time, its channel's hours, the limits, an opt-out.

-- Whether the message is due and within the scope, as a number. The last two parameters are those of
-- outbound_count_due_v1, in whose place it stands.
create function outbound_count_one_v1(
    p_only uuid, p_now timestamptz, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
    p_most integer, p_last uuid default null
) returns integer
language sql stable
as $$
    select count(*)::integer from outbound_delivery d
    where d.message_id = p_only and d.next_attempt_at <= p_now and d.lease_id is null and d.channel = any (p_channels)
      and (p_owner_id is null or d.owner_id = p_owner_id) and (p_branch_id is null or d.branch_id = p_branch_id)
      and (not p_retry_only or d.failure_kind = 'RETRY')
$$;

-- What counts of a window in this second: the same sum as the domain's RateWindow, where a second counts for 61. Its
-- seconds are in order, so they are cut rather than looked at one by one. PostgreSQL writes it into the statements
-- that ask it.
create function outbound_used_v1(p_seconds bigint[], p_counts integer[], p_second bigint) returns table (used bigint)
language sql immutable
as $$
    select coalesce(sum(c.count), 0)
    from (select unnest(p_counts[1 + width_bucket(p_second - 61, p_seconds):]) as count) c
$$;

-- The message, where it is due and its owner has room; in place of the lease's own pick.
create function outbound_pick_one_v1(
    p_only uuid, p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text,
    p_retry_only boolean, p_owner_limit integer, p_limit integer,
    out picked uuid[], out places tid[], out held_back boolean
)
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan
as $$
begin
    select coalesce(array_agg(d.message_id), '{}') into picked
    from outbound_delivery d
    left join outbound_rate_window w on w.key = 'owner:' || d.owner_id and d.owner_id <> ''
    cross join lateral outbound_used_v1(w.seconds, w.counts, p_second) u
    where d.message_id = p_only and (d.owner_id = '' or p_owner_limit is null or u.used < p_owner_limit)
      and outbound_count_one_v1(p_only, p_now, p_channels, p_owner_id, p_branch_id, p_retry_only, 1) = 1;
    held_back := cardinality(picked) = 0;
end
$$;

-- All else is as outbound_lease_v2 has it, taken from there: the turns, the charge, the run, the opt-outs.
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
