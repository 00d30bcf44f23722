alter function outbound_pick_v2(timestamptz, bigint, text[], text, text, boolean, integer, integer)
    reset enable_hashjoin;

create or replace function outbound_pick_by_owner_v2(
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

create or replace function outbound_count_due_v1(
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

drop function outbound_count_by_owner_waiting_v1;
drop function outbound_pick_by_owner_waiting_v1;
drop function outbound_pick_of_rank_waiting_v1;
drop function outbound_count_by_owner_branch_v1;
drop function outbound_pick_by_owner_branch_v1;
drop function outbound_pick_of_rank_branch_v1;
drop function outbound_count_by_owner_retry_v1;
drop function outbound_pick_by_owner_retry_v1;
drop function outbound_pick_of_rank_retry_v1;
drop function outbound_count_by_owner_branch_retry_v1;
drop function outbound_pick_by_owner_branch_retry_v1;
drop function outbound_pick_of_rank_branch_retry_v1;
