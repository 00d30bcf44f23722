-- The bare minimum, as bench/raw has it. What is leased is kept for the next step.
set plan_cache_mode = force_generic_plan;
create temp table got (ids uuid[]);
prepare lease as
with q as materialized (
    select id from outbound_message where status = 'queued' and next_attempt_at <= now()
    order by priority, next_attempt_at for update skip locked limit :batch),
u as (
    update outbound_message m
    set status = 'leased', lease_id = (select gen_random_uuid()), lease_expires_at = now() + interval '60 s',
        dispatched_at = now()
    from q where m.id = q.id returning m.id)
insert into got select array_agg(id) from u;
prepare settle as
update outbound_message m
set status = 'sent', sent_at = now(), provider_message_id = 'p' || left(u.id::text, 8), lease_id = null,
    lease_expires_at = null
from unnest((select ids from got)) as u (id) where m.id = u.id and m.status = 'leased';
-- step: -
delete from got;
-- step: lease
execute lease;
-- step: settle
execute settle;
