-- Jobs of AI actions, each with its messages and its history.

create table outbound_job (
    id            uuid primary key,
    title         text not null,
    status        text collate "C" not null check (status in ('NEW', 'DISPATCHED', 'DONE', 'FAILED')),
    action_key    text collate "C",
    suggestion_id text collate "C",
    task_id       text collate "C",
    run_id        text collate "C",
    last_error    text,
    note          text,
    owner_id      text collate "C",
    branch_id     text collate "C",
    created_by    text collate "C" not null,
    dispatched_at timestamptz,
    done_at       timestamptz,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);

comment on table outbound_job is 'The messages that one AI action asked for, as a group';

create index outbound_job_owner on outbound_job (owner_id, id);
create index outbound_job_branch on outbound_job (branch_id, id);
create index outbound_job_status on outbound_job (status, id);
create index outbound_job_suggestion on outbound_job (suggestion_id, id) where suggestion_id is not null;

create table outbound_job_event (
    id          bigint generated always as identity,
    job_id      uuid not null references outbound_job (id) on delete cascade,
    at          timestamptz not null,
    from_status text collate "C",
    to_status   text collate "C" not null,
    actor       text collate "C" not null,
    detail      text,
    primary key (job_id, id)
);
