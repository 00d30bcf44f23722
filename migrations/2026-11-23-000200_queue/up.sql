-- What the queue keeps besides the messages: limits, opt-outs, runs and the circuit.

create table outbound_rate_window (
    -- '' for all messages, 'owner:<id>' for one owner's.
    key     text collate "C" primary key,
    -- How many were leased in which second, oldest first; only seconds that still count.
    seconds bigint[] not null,
    counts  integer[] not null,
    constraint one_count_per_second check (cardinality(seconds) = cardinality(counts))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on table outbound_rate_window is 'What was leased in the last minute; the row of all messages is the lock of every limited lease';

insert into outbound_rate_window (key, seconds, counts) values ('', '{}', '{}');

create table outbound_opt_out (
    channel     text collate "C" not null check (channel in ('ZALO', 'FB', 'SMS', 'CALL_NOTE')),
    -- 'student:<id>', 'lead:<id>' or 'to:<address>'.
    key         text collate "C" not null,
    -- The contact that it comes from: an address that two people share stays closed until both open it.
    contact_key text collate "C" not null,
    primary key (channel, key, contact_key)
);

create index outbound_opt_out_contact on outbound_opt_out (contact_key);

create table outbound_run (
    lease_id            uuid primary key,
    started_at          timestamptz not null,
    actor               text collate "C" not null,
    pulled              boolean not null,
    ignored_quiet_hours boolean not null,
    leased              integer not null,
    ended_at            timestamptz,
    handed_off          integer not null default 0,
    failed              integer not null default 0,
    released            integer not null default 0,
    rate_limited        integer not null default 0
);

create index outbound_run_started on outbound_run (started_at);

create table outbound_circuit (
    -- There is one.
    id       boolean primary key default true check (id),
    state    text collate "C" not null,
    failures bigint not null check (failures >= 0),
    -- OPEN: when a probe may begin. HALF_OPEN: when the probe counts as lost.
    until    timestamptz,
    revision integer not null,
    constraint state_owns_until check (
        (state = 'CLOSED' and until is null) or (state in ('OPEN', 'HALF_OPEN') and until is not null))
);

comment on table outbound_circuit is 'One row, shared by every process';

insert into outbound_circuit (state, failures, until, revision) values ('CLOSED', 0, null, 0);
