-- The walk from owner to owner costs less: its plans are kept, ranks that are not needed are not read, and of each
-- owner's messages no more than can have a part in the answer.

-- One function for each index that the walk may take: all that waits, a branch's, the retries, and a branch's retries.
-- They differ in nothing but the condition, on the table `d`, of that index.
do $migration$
declare
    kind text;
    rows_of_scope text;
    messages text;
    first_owner text;
    next_owner text;
    waiting constant text := 'd.next_attempt_at is not null and d.lease_id is null';
begin
    for kind, rows_of_scope in values
        ('waiting', waiting),
        ('branch', waiting || ' and d.branch_id = p_branch_id'),
        ('retry', 'd.failure_kind = ''RETRY'''),
        ('branch_retry', 'd.failure_kind = ''RETRY'' and d.branch_id = p_branch_id')
    loop
        -- In a branch by that branch's index alone, which the comparison of both columns makes sure of: by another one
        -- the rows of owners in other branches would be stepped over one by one.
        if kind in ('branch', 'branch_retry') then
            first_owner := format(
                'select case when d.branch_id = p_branch_id then d.owner_id end from outbound_delivery d
                 where %s and d.branch_id is not null and (d.branch_id, d.owner_id) >= (p_branch_id, '''')
                 order by d.branch_id, d.owner_id limit 1', waiting);
            next_owner := replace(first_owner, '>= (p_branch_id, '''')', '> (p_branch_id, o.id)');
        else
            first_owner := format(
                'select d.owner_id from outbound_delivery d where %s order by d.owner_id limit 1', rows_of_scope);
            next_owner := replace(first_owner, ' order by', ' and d.owner_id > o.id order by');
        end if;
        -- Of one owner (o.id) and rank, in order: one index range for each channel, merged, and read as far as needed.
        select string_agg(format($part$
            (select d.message_id, d.next_attempt_at from outbound_delivery d
             where %2$L = any (p_channels) and %1$s and d.owner_id = o.id and d.channel = %2$L and d.priority = p_rank
               and (d.next_attempt_at, d.message_id) <= (last_at, last_id)
             order by d.next_attempt_at, d.message_id limit p_limit)$part$, rows_of_scope, channel), ' union all ')
        into messages
        from unnest(array['ZALO', 'FB', 'SMS', 'CALL_NOTE']) as c (channel);

        execute replace(replace(replace(replace(replace($create$
create function outbound_pick_of_rank_KIND_v1(
    p_now timestamptz, p_channels text[], p_branch_id text, p_rank smallint, p_owners text[], p_rooms integer[],
    p_limit integer,
    out picked uuid[], out places bigint[]
)
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $body$
declare
    last_at timestamptz := p_now;
    last_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    owners text[];
    rooms integer[];
    owner_places bigint[];
begin
    -- At most p_limit owners can have a part in the answer, those whose first message comes first. When there are
    -- that many, nothing that comes after the last one's first message has a part either.
    select array_agg(h.id), array_agg(h.room), array_agg(h.place), max(h.next_attempt_at),
           (array_agg(h.message_id order by h.next_attempt_at desc, h.message_id desc))[1]
    into owners, rooms, owner_places, last_at, last_id
    from (
        select o.id, o.room, o.place, m.message_id, m.next_attempt_at
        from unnest(p_owners, p_rooms) with ordinality as o (id, room, place)
        cross join lateral (
            select w.message_id, w.next_attempt_at from (MESSAGES) w
            order by w.next_attempt_at, w.message_id limit 1
        ) m
        order by m.next_attempt_at, m.message_id limit p_limit
    ) h;
    if cardinality(owners) < p_limit then
        last_at := p_now;
        last_id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    end if;

    select array_agg(c.message_id order by c.next_attempt_at, c.message_id),
           array_agg(c.place order by c.next_attempt_at, c.message_id)
    into picked, places
    from (
        select m.message_id, m.next_attempt_at, o.place
        from unnest(owners, rooms, owner_places) as o (id, room, place)
        cross join lateral (
            select w.message_id, w.next_attempt_at from (MESSAGES) w
            order by w.next_attempt_at, w.message_id limit least(o.room, p_limit)
        ) m
        order by m.next_attempt_at, m.message_id limit p_limit
    ) c;
end
$body$;

create function outbound_pick_by_owner_KIND_v1(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text, p_owner_limit integer,
    p_limit integer
) returns uuid[]
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $body$
declare
    rank smallint;
    owners text[];
    rooms integer[];
    here record;
    picked uuid[] := '{}';
begin
    with recursive owner (id) as (
        select case when p_owner_id is null then (
            FIRST_OWNER
        ) else p_owner_id end
        union all
        select (NEXT_OWNER)
        from owner o where o.id is not null and p_owner_id is null
    )
    select array_agg(r.id), array_agg(r.room) into owners, rooms
    from (
        -- Without an owner there is no owner's limit. Who has no window has had nothing.
        select o.id, case when o.id = '' or p_owner_limit is null then p_limit
                          when w.key is null then p_owner_limit
                          else p_owner_limit - (
                              select coalesce(sum(s.count), 0) from unnest(w.seconds, w.counts) as s (second, count)
                              where s.second > p_second - 61) end as room
        from owner o
        left join outbound_rate_window w on w.key = 'owner:' || o.id and p_owner_limit is not null
        where o.id is not null
    ) r
    where r.room > 0;

    foreach rank in array array[1, 2, 3]::smallint[] loop
        exit when owners is null or cardinality(picked) >= p_limit;
        select * into here
        from outbound_pick_of_rank_KIND_v1(p_now, p_channels, p_branch_id, rank, owners, rooms,
                                           p_limit - cardinality(picked));
        continue when here.picked is null;
        picked := picked || here.picked;
        select array_agg(r.id), array_agg(r.room) into owners, rooms
        from (
            select o.id, o.room - coalesce(t.taken, 0) as room
            from unnest(owners, rooms) with ordinality as o (id, room, place)
            left join (
                select p.place, count(*)::integer as taken from unnest(here.places) as p (place) group by p.place
            ) t on t.place = o.place
        ) r
        where r.room > 0;
    end loop;
    return picked;
end
$body$;

create function outbound_count_by_owner_KIND_v1(
    p_now timestamptz, p_channels text[], p_owner_id text, p_branch_id text, p_most integer, p_last_rank smallint,
    p_last_at timestamptz, p_last_id uuid
) returns integer
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $body$
begin
    return (
        with recursive owner (id) as (
            select case when p_owner_id is null then (
                FIRST_OWNER
            ) else p_owner_id end
            union all
            select (NEXT_OWNER)
            from owner o where o.id is not null and p_owner_id is null
        )
        select count(*) from (
            select from owner o, unnest(p_channels) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank)
            cross join lateral (
                select from outbound_delivery d
                where ROWS_OF_SCOPE and d.owner_id = o.id and d.channel = c.channel and d.priority = r.rank
                  and (d.next_attempt_at, d.message_id)
                      <= (case when r.rank < p_last_rank then p_now else p_last_at end,
                          case when r.rank < p_last_rank then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                               else p_last_id end)
                limit p_most
            ) f
            where o.id is not null and r.rank <= p_last_rank
            limit p_most
        ) found
    );
end
$body$;
        $create$, 'MESSAGES', messages), 'ROWS_OF_SCOPE', rows_of_scope), 'KIND', kind),
            'FIRST_OWNER', first_owner), 'NEXT_OWNER', next_owner);
    end loop;
end
$migration$;

create or replace function outbound_pick_by_owner_v2(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean,
    p_owner_limit integer, p_limit integer
) returns uuid[]
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = on set enable_hashjoin = on
as $$
begin
    if p_retry_only and p_branch_id is not null then
        return outbound_pick_by_owner_branch_retry_v1(p_now, p_second, p_channels, p_owner_id, p_branch_id,
                                                      p_owner_limit, p_limit);
    elsif p_retry_only then
        return outbound_pick_by_owner_retry_v1(p_now, p_second, p_channels, p_owner_id, null, p_owner_limit, p_limit);
    elsif p_branch_id is not null then
        return outbound_pick_by_owner_branch_v1(p_now, p_second, p_channels, p_owner_id, p_branch_id, p_owner_limit,
                                                p_limit);
    else
        return outbound_pick_by_owner_waiting_v1(p_now, p_second, p_channels, p_owner_id, null, p_owner_limit, p_limit);
    end if;
end
$$;

-- How many messages are due, counted up to p_most. With p_last, only those up to it in the order of the queue.
--
-- In no order: it is enough to come to so many.
create or replace function outbound_count_due_v1(
    p_now timestamptz, p_channels text[], p_owner_id text, p_branch_id text, p_retry_only boolean, p_most integer,
    p_last uuid default null
) returns integer
language plpgsql stable
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
declare
    last_rank smallint := 3;
    last_at timestamptz := p_now;
    last_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
    if p_last is not null then
        select d.priority, d.next_attempt_at, d.message_id into last_rank, last_at, last_id
        from outbound_delivery d where d.message_id = p_last;
    end if;
    if p_retry_only and p_branch_id is not null then
        return outbound_count_by_owner_branch_retry_v1(p_now, p_channels, p_owner_id, p_branch_id, p_most,
                                                       last_rank, last_at, last_id);
    elsif p_retry_only then
        return outbound_count_by_owner_retry_v1(p_now, p_channels, p_owner_id, null, p_most, last_rank, last_at,
                                                last_id);
    elsif p_branch_id is not null then
        return outbound_count_by_owner_branch_v1(p_now, p_channels, p_owner_id, p_branch_id, p_most, last_rank,
                                                 last_at, last_id);
    elsif p_owner_id is not null then
        return outbound_count_by_owner_waiting_v1(p_now, p_channels, p_owner_id, null, p_most, last_rank, last_at,
                                                  last_id);
    end if;
    return (
        select count(*) from (
            select from unnest(p_channels) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank)
            cross join lateral (
                select from outbound_delivery d
                where d.next_attempt_at is not null and d.lease_id is null and d.channel = c.channel
                  and d.priority = r.rank
                  and (d.next_attempt_at, d.message_id)
                      <= (case when r.rank < last_rank then p_now else last_at end,
                          case when r.rank < last_rank then 'ffffffff-ffff-ffff-ffff-ffffffffffff' else last_id end)
                limit p_most
            ) f
            where r.rank <= last_rank
            limit p_most
        ) found
    );
end
$$;

-- The join with what is left to each owner must not be a loop within a loop: a batch of 200 may have 200 owners.
alter function outbound_pick_v2(timestamptz, bigint, text[], text, text, boolean, integer, integer)
    set enable_hashjoin = on;
