-- One index less to write when a message is SENT, which is what nearly every message comes to: those are found by the
-- time at which they were sent, for which there is an index already.

create index outbound_delivery_ended on outbound_delivery (updated_at)
    where status in ('SKIPPED', 'CANCELLED') or failure_kind = 'DEAD';
drop index outbound_delivery_over;

-- Deletes messages that are over and last changed before a time, with their timelines; answers how many. One that was
-- sent at a later time than it last changed, which clocks that differ may say, stays until that time.
create or replace function outbound_purge_messages_v1(p_before timestamptz, p_limit integer) returns integer
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
    gone uuid[];
    sent uuid[];
begin
    select coalesce(array_agg(o.message_id), '{}') into gone
    from (
        select d.message_id from outbound_delivery d
        where (d.status in ('SKIPPED', 'CANCELLED') or d.failure_kind = 'DEAD') and d.updated_at < p_before
        order by d.updated_at
        limit p_limit
        -- Whoever sets one going again in this moment has it.
        for update skip locked
    ) o;
    select coalesce(array_agg(o.message_id), '{}') into sent
    from (
        select d.message_id from outbound_delivery d
        where d.sent_at < p_before and d.updated_at < p_before
        order by d.sent_at
        limit p_limit - cardinality(gone)
        for update skip locked
    ) o;
    gone := gone || sent;
    delete from outbound_event where message_id = any (gone);
    delete from outbound_message where id = any (gone);
    delete from outbound_delivery where message_id = any (gone);
    return cardinality(gone);
end
$$;
