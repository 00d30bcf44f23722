create index outbound_delivery_over on outbound_delivery (updated_at)
    where status in ('SENT', 'SKIPPED', 'CANCELLED') or failure_kind = 'DEAD';
drop index outbound_delivery_ended;

-- Deletes messages that are over and last changed before a time, with their timelines; answers how many.
create or replace function outbound_purge_messages_v1(p_before timestamptz, p_limit integer) returns integer
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
    gone uuid[];
begin
    select coalesce(array_agg(o.message_id), '{}') into gone
    from (
        select d.message_id from outbound_delivery d
        where (d.status in ('SENT', 'SKIPPED', 'CANCELLED') or d.failure_kind = 'DEAD') and d.updated_at < p_before
        order by d.updated_at
        limit p_limit
        -- Whoever sets one going again in this moment has it.
        for update skip locked
    ) o;
    delete from outbound_event where message_id = any (gone);
    delete from outbound_message where id = any (gone);
    delete from outbound_delivery where message_id = any (gone);
    return cardinality(gone);
end
$$;
