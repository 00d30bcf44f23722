-- 1,000 messages at once in our two tables, with their indexes and nothing else.
with message as (
  insert into outbound_message (id, channel, recipient, template_key, body, terms, owner_id, branch_id, created_by, created_at,
    duplicate_key, local_day)
  select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7000' || lpad(to_hex(g), 16, '0'))::uuid,
    'SMS', r, 'remind_paid50', b,
    '''CSMS'' ''D0123'' ''D1234'' ''D2345'' ''D3456'' ''D4567'' ''D567'' ''D9012'' ''P0901234567'' ''Tremind_paid50'''::tsvector,
    'owner-1', 'branch-1', 'system', now(), gen_random_uuid(), current_date
  from unnest((select array_agg('+8490'||lpad(g::text,7,'0')) from generate_series(1,1000) g),
    (select array_agg(repeat('Hello student, lesson. ',4)||lpad(g::text,16,'0')) from generate_series(1,1000) g)) with ordinality as u(r,b,g)
  returning id, owner_id, branch_id
)
insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
  retry_count, handoff_failures, lost_leases, attempted, revision, updated_at, created_at)
select id, 'QUEUED', 2, 'SMS', owner_id, branch_id, now(), 1, 0, 0, 0, false, 0, now(), now() from message;
