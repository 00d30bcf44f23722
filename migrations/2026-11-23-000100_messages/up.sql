-- A message is two rows. What is sent never changes and carries the wide indexes; where it stands changes with every
-- step and must stay narrow, or each step would write all of those indexes anew.

-- Trusted since PostgreSQL 13: the database's owner may create it.
create extension if not exists pg_trgm;

create table outbound_message (
    id              uuid primary key,
    channel         text collate "C" not null check (channel in ('ZALO', 'FB', 'SMS', 'CALL_NOTE')),
    recipient       text collate "C",
    template_key    text collate "C",
    body            text not null,
    lead_id         text collate "C",
    student_id      text collate "C",
    notification_id text collate "C",
    owner_id        text collate "C",
    branch_id       text collate "C",
    job_id          uuid,
    full_name       text,
    owner_name      text,
    created_by      text collate "C" not null,
    created_at      timestamptz not null,
    scheduled_at    timestamptz,
    -- The first half of the SHA-256 of what makes two messages duplicates.
    duplicate_key   uuid not null,
    -- The day of the creation, in the time zone of the rule for duplicates.
    local_day       date not null,
    -- Recipient, template key and text in lower case. The application writes it: the database's own lower() knows
    -- Vietnamese letters only under some locales.
    search          text not null
) with (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);

comment on table outbound_message is 'What is sent, to whom and on whose behalf; written once';

-- Lists are newest first, which is the order of the ids (UUIDv7).
create index outbound_message_owner on outbound_message (owner_id, id);
create index outbound_message_branch on outbound_message (branch_id, id);
create index outbound_message_lead on outbound_message (lead_id, id) where lead_id is not null;
create index outbound_message_student on outbound_message (student_id, id) where student_id is not null;
create index outbound_message_job on outbound_message (job_id, id) where job_id is not null;
create index outbound_message_created on outbound_message (created_at);
create index outbound_message_duplicate on outbound_message (duplicate_key, local_day);
-- New rows wait in a list of their own until there are enough to sort in at once, or the autovacuum comes by.
create index outbound_message_search on outbound_message using gin (search gin_trgm_ops)
    with (gin_pending_list_limit = 8192);

-- Each status owns exactly its columns, as the domain's State does; where the domain has an Option, nothing is said.
--
-- A function rather than seven CHECKs: PostgreSQL reads the text of every CHECK anew for each statement, which took
-- longer than to insert a row.
create function outbound_state_is_whole(
    status text, next_attempt_at timestamptz, attempt_failed boolean, resume_status text, lease_id uuid,
    leased_at timestamptz, lease_expires_at timestamptz, dispatched_at timestamptz, sent_at timestamptz,
    provider_message_id text, error text, failure_kind text
) returns boolean
language plpgsql immutable
as $$
begin
    return coalesce(case status
        when 'QUEUED' then
            next_attempt_at is not null
            and num_nonnulls(attempt_failed, resume_status, lease_id, leased_at, lease_expires_at, dispatched_at,
                             sent_at, provider_message_id, failure_kind) = 0
        when 'LEASED' then
            num_nulls(next_attempt_at, resume_status, lease_id, leased_at, lease_expires_at) = 0
            and num_nonnulls(dispatched_at, sent_at, provider_message_id, failure_kind) = 0
            and case resume_status
                when 'QUEUED' then attempt_failed is null
                when 'FAILED' then num_nulls(attempt_failed, error) = 0
                end
        when 'DISPATCHED' then
            num_nulls(lease_id, leased_at, lease_expires_at, dispatched_at) = 0
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, sent_at, provider_message_id,
                             failure_kind) = 0
        when 'SENT' then
            sent_at is not null
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                             error, failure_kind) = 0
        when 'FAILED' then
            error is not null
            and num_nonnulls(resume_status, leased_at, lease_expires_at, dispatched_at, sent_at,
                             provider_message_id) = 0
            and case failure_kind
                when 'RETRY' then num_nulls(next_attempt_at, attempt_failed) = 0 and lease_id is null
                when 'DEAD' then num_nonnulls(next_attempt_at, attempt_failed, lease_id) = 0
                when 'HELD' then num_nonnulls(next_attempt_at, attempt_failed) = 0 and lease_id is not null
                end
        when 'SKIPPED' then
            error is not null
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                             dispatched_at, sent_at, provider_message_id, failure_kind) = 0
        when 'CANCELLED' then
            num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                         dispatched_at, sent_at, provider_message_id, error, failure_kind) = 0
        end, false);
end
$$;

create table outbound_delivery (
    -- No foreign key: its check would lock and log every new message a second time, and one function writes both.
    message_id          uuid primary key,
    status              text collate "C" not null,
    -- 1 HIGH, 2 MEDIUM, 3 LOW: smaller goes first.
    priority            smallint not null check (priority between 1 and 3),
    -- These four are copies from the message, so that the queue's indexes can carry them. Without an owner it is '':
    -- an index walk in order needs an equality, and null is equal to nothing.
    channel             text collate "C" not null,
    owner_id            text collate "C" not null,
    branch_id           text collate "C",
    job_id              uuid,
    -- When it may be leased; while it is LEASED, when it could be before.
    next_attempt_at     timestamptz,
    attempt             integer not null,
    retry_count         integer not null,
    handoff_failures    integer not null,
    lost_leases         integer not null,
    attempted           boolean not null,
    -- Of a retry: whether the attempt before is known to have failed.
    attempt_failed      boolean,
    -- Of a lease: what a release turns it back to.
    resume_status       text collate "C",
    lease_id            uuid,
    leased_at           timestamptz,
    -- The end of the lease, or of the wait for the callback.
    lease_expires_at    timestamptz,
    dispatched_at       timestamptz,
    sent_at             timestamptz,
    provider_message_id text,
    error               text,
    failure_kind        text collate "C",
    revision            integer not null,
    updated_at          timestamptz not null,

    constraint state_is_whole check (outbound_state_is_whole(
        status, next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at, dispatched_at,
        sent_at, provider_message_id, error, failure_kind)),
    constraint counts_are_counts check (least(attempt, retry_count, handoff_failures, lost_leases) >= 0)
) with (
    fillfactor = 80,
    -- By number, not by share: a queue of millions must be cleaned as often as one of thousands.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_analyze_threshold = 2000
);

comment on table outbound_delivery is 'Where a message stands; changes with every step';

-- A message waits (QUEUED, or FAILED with a retry) exactly when it has a due time and no lease: the CHECKs see to that,
-- so the indexes need no column of their own for it. Each leads with all that a walk holds fixed, so that neither
-- closed channels nor other priorities nor what is not due yet is ever stepped over.
create index outbound_delivery_due on outbound_delivery (channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null;
create index outbound_delivery_due_by_owner
    on outbound_delivery (owner_id, channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null;
create index outbound_delivery_due_by_branch
    on outbound_delivery (branch_id, channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null;
create index outbound_delivery_due_retry on outbound_delivery (channel, priority, next_attempt_at, message_id)
    where failure_kind = 'RETRY';
-- In flight (LEASED, DISPATCHED) is exactly what has an end of its lease.
create index outbound_delivery_expiry on outbound_delivery (lease_expires_at) where lease_expires_at is not null;
create index outbound_delivery_lease on outbound_delivery (lease_id) where lease_expires_at is not null;
-- For lists by status. Those in flight are few and pass quickly: they are left out, so that a lease writes one index
-- less, and are found by their expiry.
create index outbound_delivery_status on outbound_delivery (status, message_id)
    where status not in ('LEASED', 'DISPATCHED');
create index outbound_delivery_failure on outbound_delivery (failure_kind, message_id)
    where failure_kind is not null;
create index outbound_delivery_job on outbound_delivery (job_id, status) where job_id is not null;
create index outbound_delivery_sent on outbound_delivery (sent_at) where sent_at is not null;

create table outbound_event (
    id            bigint generated always as identity,
    message_id    uuid not null,
    at            timestamptz not null,
    kind          text collate "C" not null,
    from_status   text collate "C" not null,
    to_status     text collate "C" not null,
    actor         text collate "C" not null,
    attempt       integer not null,
    lease_id      uuid,
    leased_at     timestamptz,
    dispatched_at timestamptz,
    detail        text,
    -- Set where the same note may come again and is kept once: a digest of what it says.
    note_key      uuid,
    primary key (message_id, id)
);

comment on table outbound_event is 'The timeline: one row for each end of an attempt and each act of a person';

create unique index outbound_event_note on outbound_event (message_id, note_key) where note_key is not null;
