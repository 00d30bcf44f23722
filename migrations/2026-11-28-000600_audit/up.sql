-- Who did what, beyond what the timeline of each message tells.

create table outbound_audit (
    -- UUIDv7: the newest first is the greatest first.
    id uuid primary key,
    at timestamptz not null,
    -- As in the timeline: user:<id>, service, system, ...
    actor text not null check (actor <> ''),
    action text not null check (action <> ''),
    -- What it was done to: a message's id, a template's key, a contact's id.
    subject text,
    detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object')
);

create index outbound_audit_by_actor on outbound_audit (actor, id desc);
create index outbound_audit_by_action on outbound_audit (action, id desc);
create index outbound_audit_by_subject on outbound_audit (subject, id desc) where subject is not null;

-- Whatever a query of the server's says, what is written stays.
create function outbound_audit_stays() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is only ever added to';
end
$$;

create trigger outbound_audit_stays before update or delete or truncate on outbound_audit
    for each statement execute function outbound_audit_stays();
