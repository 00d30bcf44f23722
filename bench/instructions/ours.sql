-- The statements of the server, with what it would send built beforehand.
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
create temp table got (ids uuid[]);
create temp table change (
    id uuid[], status text[], two integer[], one integer[], zero integer[], yes boolean[], now timestamptz[],
    provider text[], kind text[], was text[], actor text[], lease uuid[]);
alter table change alter id set storage external, alter status set storage external, alter provider set storage external,
    alter kind set storage external, alter was set storage external, alter actor set storage external,
    alter lease set storage external, alter now set storage external;
prepare lease as
insert into got select leased
from outbound_lease_v2(
    now(), 0, gen_random_uuid(), now() + interval '1 min', now() + interval '1 day', :batch,
    '{ZALO,FB,SMS,CALL_NOTE}', '{null,null,null,null}', null, null, false, 1000000, 1000000, 'service', false, false);
prepare read as
select count(x) from (
    select m.id, m.channel, m.recipient, m.template_key, m.body, m.lead_id, m.student_id, m.notification_id, m.owner_id,
           m.branch_id, m.job_id, m.full_name, m.owner_name, m.created_by, m.created_at, m.scheduled_at, d.status,
           d.priority, d.next_attempt_at, d.attempt, d.retry_count, d.handoff_failures, d.lost_leases, d.attempted,
           d.attempt_failed, d.resume_status, d.lease_id, d.leased_at, d.lease_expires_at, d.dispatched_at, d.sent_at,
           d.provider_message_id, d.error, d.failure_kind, d.revision, d.updated_at
    from unnest((select ids from got)) as wanted (id)
    cross join lateral (select * from outbound_message where id = wanted.id offset 0) as m
    cross join lateral (select * from outbound_delivery where message_id = wanted.id offset 0) as d
    offset 0) x;
prepare read_standing as
select count(x) from (
    select d.message_id, d.channel,
           coalesce(d.created_at, (select m.created_at from outbound_message m where m.id = d.message_id)), d.status,
           d.priority, d.next_attempt_at, d.attempt, d.retry_count, d.handoff_failures, d.lost_leases, d.attempted,
           d.attempt_failed, d.resume_status, d.lease_id, d.leased_at, d.lease_expires_at, d.dispatched_at, d.sent_at,
           d.provider_message_id, d.error, d.failure_kind, d.revision, d.updated_at
    from unnest((select ids from got)) as wanted (id)
    cross join lateral (select * from outbound_delivery where message_id = wanted.id offset 0) as d
    offset 0) x;
prepare build as
insert into change
select array_agg(i.id order by i.id), array_agg('SENT'::text), array_agg(2), array_agg(1), array_agg(0), array_agg(true),
       array_agg(now()), array_agg('p' || i.id), array_agg('SETTLED'::text), array_agg('DISPATCHED'::text),
       array_agg('n8n'::text), array_agg('00000000-0000-0000-0000-000000000001'::uuid)
from got, unnest(ids) i (id);
prepare save as
select outbound_save_v1(
    id, two, status, null, one, zero, zero, zero, yes, null, null, null, null, null, now, now, provider, null, null, one,
    now, now, kind, was, status, actor, one, lease, now, now, null)
from change;
-- step: -
with a as (delete from got) delete from change;
-- step: lease
execute lease;
-- step: reading what was leased
execute read;
-- step: reading for the callbacks
execute read_standing;
-- step: -
execute build;
-- step: saving
execute save;
