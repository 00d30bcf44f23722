-- 50 messages of our tables leased and settled, with their indexes and the timeline's row, and nothing else: no limits, no
-- owners, no quiet hours, and nobody reads what is to be sent.
with q as materialized (select message_id from outbound_delivery
  where channel = 'SMS' and priority = 2 and next_attempt_at <= now() and lease_id is null
  order by next_attempt_at, message_id for update skip locked limit 50),
u as (update outbound_delivery d set status = 'DISPATCHED', lease_id = (select gen_random_uuid()), leased_at = now(),
  dispatched_at = now(), lease_expires_at = now() + interval '1 day', next_attempt_at = null, attempted = true,
  revision = d.revision + 1, updated_at = now()
from q where d.message_id = q.message_id returning d.message_id)
select array_agg(message_id) as ids from u \gset
with s as (update outbound_delivery d set status = 'SENT', sent_at = now(), provider_message_id = 'p' || left(u.id::text, 8),
  lease_id = null, leased_at = null, lease_expires_at = null, revision = d.revision + 1, updated_at = now()
from unnest((:ids)::uuid[]) as u (id) where d.message_id = u.id and d.status = 'DISPATCHED'
returning d.message_id, d.attempt, d.dispatched_at, d.provider_message_id)
insert into outbound_event (message_id, at, kind, from_status, to_status, actor, attempt, leased_at, dispatched_at, detail)
select message_id, now(), 'SETTLED', 'DISPATCHED', 'SENT', 'n8n', attempt, dispatched_at, dispatched_at, provider_message_id from s;
