-- As the bench fills it: 100 owners, three priorities, all due.
insert into outbound_message (
    id, channel, recipient, body, lead_id, owner_id, branch_id, created_by, created_at, duplicate_key, local_day, urgency,
    terms)
select (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'SMS', '+8490' || lpad(n::text, 7, '0'),
       repeat('Hello student, lesson. ', 8) || lpad(n::text, 16, '0'), 'lead-' || n / 4, 'owner-' || n % 100,
       'branch-' || n % 10, 'service', now(), md5(n::text)::uuid, current_date, nullif(1 + n % 3, 2),
       array_to_tsvector(array['hello', 'lesson.', 'student,', 'CSMS', 'D090', lpad(n::text, 16, '0')])
from generate_series(1, 20000) n;
insert into outbound_delivery (
    message_id, status, priority, channel, owner_id, branch_id, attempt, retry_count, handoff_failures, lost_leases,
    attempted, revision, updated_at, created_at, next_attempt_at)
select (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'QUEUED', 1 + n % 3, 'SMS', 'owner-' || n % 100,
       'branch-' || n % 10, 1, 0, 0, 0, false, 1, now(), now(), now() - interval '1 hour' + n * interval '1 microsecond'
from generate_series(1, 20000) n;
vacuum analyze outbound_message;
vacuum analyze outbound_delivery;
