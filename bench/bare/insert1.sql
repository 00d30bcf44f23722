-- One message in our two tables, with their indexes and nothing else: no rule, no template, no search terms of its own.
with message as (
  insert into outbound_message (id, channel, recipient, template_key, body, terms, owner_id, branch_id, created_by, created_at,
    duplicate_key, local_day)
  values ((lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
      || substr(md5(random()::text), 1, 19))::uuid,
    'SMS', '+84901234567', 'remind_paid50', 'Hello student, lesson. Hello student, lesson. Hello student, lesson. Hello student, lesson.',
    '''CSMS'' ''D0123'' ''D1234'' ''D2345'' ''D3456'' ''D4567'' ''D567'' ''D9012'' ''P0901234567'' ''Tremind_paid50'''::tsvector,
    'owner-' || floor(random() * 100), 'branch-' || floor(random() * 10), 'system', now(), gen_random_uuid(), current_date)
  returning id, owner_id, branch_id
)
insert into outbound_delivery (message_id, status, priority, channel, owner_id, branch_id, next_attempt_at, attempt,
  retry_count, handoff_failures, lost_leases, attempted, revision, updated_at, created_at)
select id, 'QUEUED', 2, 'SMS', owner_id, branch_id, now(), 1, 0, 0, 0, false, 0, now(), now() from message;
