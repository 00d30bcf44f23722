-- The statements of the server, with what it would send built beforehand.
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
create temp table got (ids uuid[]);
create temp table sent (id uuid[], provider text[], now timestamptz[]);
alter table sent alter id set storage external, alter provider set storage external, alter now set storage external;
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
prepare build as
insert into sent
select array_agg(i.id order by i.id), array_agg('p' || i.id), array_agg(now()) from got, unnest(ids) i (id);
prepare save as
with saved as (
    update outbound_delivery d
    set status = 'SENT', sent_at = was.sent_at, provider_message_id = was.provider_message_id,
        next_attempt_at = null, attempt_failed = null, resume_status = null, lease_id = null, leased_at = null,
        lease_expires_at = null, error = null, handoff_failures = 0, lost_leases = 0, attempted = true,
        revision = d.revision + 1, updated_at = now()
    from (
        select n.id, n.provider_message_id, n.sent_at, s.*
        from (
            select unnest((select id from sent)) as id, unnest((select provider from sent)) as provider_message_id,
                   unnest((select now from sent)) as sent_at, unnest(null::timestamptz[]) as created_until
        ) n
        cross join lateral (
            select ctid as place, revision, status, attempt, lease_id, leased_at, dispatched_at
            from outbound_delivery
            where message_id = n.id
              and (status = 'LEASED' or status = 'DISPATCHED' and error is null)
              and (n.created_until is null or created_at <= n.created_until)
              and updated_at <= now()
            offset 0
        ) s
    ) was
    where d.ctid = was.place and d.revision = was.revision
    returning was.*
)
insert into outbound_event (
    message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail)
select id, now(), 'SETTLED', status, 'SENT', 'n8n', attempt, lease_id, leased_at, dispatched_at, provider_message_id
from saved;
-- step: -
with a as (delete from got) delete from sent;
-- step: lease
execute lease;
-- step: reading what was leased
execute read;
-- step: -
execute build;
-- step: saving
execute save;
