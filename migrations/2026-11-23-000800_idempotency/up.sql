-- The first answer to each Idempotency-Key, written in the transaction of the work that it answers.

create table outbound_idempotency (
    actor       text collate "C" not null,
    route       text collate "C" not null,
    key         text collate "C" not null,
    fingerprint bytea not null,
    -- The first answer; null while the first request is at work.
    answer      text,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    primary key (actor, route, key)
);

comment on table outbound_idempotency is 'What was answered to requests with an Idempotency-Key';

create index outbound_idempotency_expiry on outbound_idempotency (expires_at);
