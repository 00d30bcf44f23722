-- The least that a queue needs: one narrow table, one index. What the raw figures are measured on.
create table outbound_message (
  id uuid primary key, channel text not null, recipient text not null, body text not null,
  status text not null default 'queued', priority smallint not null default 1,
  next_attempt_at timestamptz not null default now(),
  lease_id uuid, lease_expires_at timestamptz, retry_count int not null default 0,
  owner_id uuid, branch_id uuid, created_at timestamptz not null default now(),
  dispatched_at timestamptz, sent_at timestamptz, provider_message_id text, error text);
create index outbound_ready on outbound_message (priority, next_attempt_at) where status='queued';
