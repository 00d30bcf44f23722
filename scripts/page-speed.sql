-- Copies of the demo's messages that are over or wait, as many as :messages, over the last 60 days. For
-- scripts/page-speed.
create temporary table wanted as
select n, at, 'owner-' || n % 200 as owner_id, 'branch-' || n % 10 as branch_id,
       (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 19, '0'))::uuid as id
from (select n, now() - (:messages - n) * (interval '60 days' / :messages) as at
      from generate_series(1, :messages) n) t;

create temporary table pattern as
select row_number() over () - 1 as place, count(*) over () as patterns, m, d
from outbound_message m join outbound_delivery d on d.message_id = m.id
where d.status in ('QUEUED', 'SENT', 'SKIPPED', 'CANCELLED') or d.failure_kind in ('DEAD', 'HELD');

insert into outbound_message
select (jsonb_populate_record(p.m, jsonb_build_object('id', w.id, 'created_at', w.at, 'owner_id', w.owner_id,
    'branch_id', w.branch_id, 'duplicate_key', w.id))).*
from wanted w join pattern p on p.place = w.n % p.patterns;

insert into outbound_delivery
select (jsonb_populate_record(p.d, jsonb_build_object('message_id', w.id, 'owner_id', w.owner_id, 'branch_id', w.branch_id,
    'updated_at', w.at,
    'sent_at', case when (p.d).sent_at is not null then w.at end,
    'next_attempt_at', case when (p.d).next_attempt_at is not null then now() + interval '30 days' end))).*
from wanted w join pattern p on p.place = w.n % p.patterns;

vacuum analyze outbound_message;
vacuum analyze outbound_delivery;
checkpoint;
