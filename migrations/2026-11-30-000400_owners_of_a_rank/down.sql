-- The first p_limit due messages, in the order of the queue, of owners who have something left of their limit. Its plans
-- are made under the settings of the lease.
create or replace function outbound_pick_by_heads_v1(
    p_now timestamptz, p_second bigint, p_channels text[], p_owner_limit integer, p_limit integer
) returns uuid[]
language plpgsql stable
as $$
<<pick>>
declare
    heads record;
    rank smallint;
    owners text[];
    rooms integer[];
    here record;
    takers text[] := '{}';
    picked uuid[] := '{}';
begin
    with recursive head as (
        (select d.owner_id, d.channel, d.priority, d.next_attempt_at, d.message_id from outbound_delivery d
         where d.next_attempt_at is not null and d.lease_id is null
         order by d.owner_id, d.channel, d.priority, d.next_attempt_at, d.message_id limit 1)
        union all
        select n.* from head h
        cross join lateral (
            select d.owner_id, d.channel, d.priority, d.next_attempt_at, d.message_id from outbound_delivery d
            where d.next_attempt_at is not null and d.lease_id is null
              and (d.owner_id, d.channel, d.priority) > (h.owner_id, h.channel, h.priority)
            order by d.owner_id, d.channel, d.priority, d.next_attempt_at, d.message_id limit 1
        ) n
    )
    select array_agg(h.owner_id) as owners, array_agg(h.priority) as ranks, array_agg(h.next_attempt_at) as times,
           array_agg(h.message_id) as ids
    into heads
    from head h where h.next_attempt_at <= p_now and h.channel = any (p_channels);

    foreach rank in array array[1, 2, 3]::smallint[] loop
        exit when cardinality(picked) >= p_limit;
        -- The owners whose first message of this rank comes first, as many as may have a part in the answer.
        select array_agg(c.owner_id), array_agg(c.room) into owners, rooms
        from (
            select f.owner_id, r.room
            from (
                select o.* from (
                    select distinct on (h.owner_id) h.owner_id, h.at, h.id
                    from unnest(heads.owners, heads.ranks, heads.times, heads.ids) as h (owner_id, rank, at, id)
                    where h.rank = pick.rank order by h.owner_id, h.at, h.id
                ) o
                order by o.at, o.id
            ) f
            cross join lateral (
                -- Without an owner there is no owner's limit. Who has no window has had nothing.
                select case when f.owner_id = '' then p_limit
                       else p_owner_limit - coalesce((
                               select u.used
                               from outbound_rate_window w, outbound_used_v1(w.seconds, w.counts, p_second) u
                               where w.key = 'owner:' || f.owner_id), 0)
                            - (select count(*) from unnest(takers) as t (id) where t.id = f.owner_id)
                       end as room
            ) r
            where r.room > 0
            order by f.at, f.id limit p_limit - cardinality(picked)
        ) c;
        continue when owners is null;
        select * into here
        from outbound_pick_of_rank_waiting_v1(p_now, p_channels, null, rank, owners, rooms,
                                              p_limit - cardinality(picked));
        picked := picked || here.picked;
        takers := takers || array(select owners[p.place] from unnest(here.places) as p (place));
    end loop;
    return picked;
end
$$;

create index outbound_delivery_due_by_owner
    on outbound_delivery (owner_id, channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null;
drop index outbound_delivery_due_by_rank;
