-- Saving costs less: of an array that is null no element is read. The arrays are unnested side by side in the select
-- list: in FROM each would be written to a store of its own, and read back, before the first row is touched.
create or replace function outbound_save_v1(
    p_id uuid[], p_from_revision integer[], p_status text[], p_next_attempt_at timestamptz[], p_attempt integer[],
    p_retry_count integer[], p_handoff_failures integer[], p_lost_leases integer[], p_attempted boolean[],
    p_attempt_failed boolean[], p_resume_status text[], p_lease_id uuid[], p_leased_at timestamptz[],
    p_lease_expires_at timestamptz[], p_dispatched_at timestamptz[], p_sent_at timestamptz[],
    p_provider_message_id text[], p_error text[], p_failure_kind text[], p_revision integer[],
    p_updated_at timestamptz[],
    -- The entries; where the kind is null there is none.
    p_entry_at timestamptz[], p_entry_kind text[], p_entry_from text[], p_entry_to text[], p_entry_actor text[],
    p_entry_attempt integer[], p_entry_lease_id uuid[], p_entry_leased_at timestamptz[],
    p_entry_dispatched_at timestamptz[], p_entry_detail text[]
) returns uuid[]
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
    saved uuid[];
begin
    with saving as (
        update outbound_delivery d
        set status = n.status, next_attempt_at = n.next_attempt_at, attempt = n.attempt, retry_count = n.retry_count,
            handoff_failures = n.handoff_failures, lost_leases = n.lost_leases, attempted = n.attempted,
            attempt_failed = n.attempt_failed, resume_status = n.resume_status, lease_id = n.lease_id,
            leased_at = n.leased_at, lease_expires_at = n.lease_expires_at, dispatched_at = n.dispatched_at,
            sent_at = n.sent_at, provider_message_id = n.provider_message_id, error = n.error,
            failure_kind = n.failure_kind, revision = n.revision, updated_at = n.updated_at
        from (
            select unnest(p_id) as id, unnest(p_from_revision) as from_revision, unnest(p_status) as status,
                   unnest(p_next_attempt_at) as next_attempt_at, unnest(p_attempt) as attempt,
                   unnest(p_retry_count) as retry_count, unnest(p_handoff_failures) as handoff_failures,
                   unnest(p_lost_leases) as lost_leases, unnest(p_attempted) as attempted,
                   unnest(p_attempt_failed) as attempt_failed, unnest(p_resume_status) as resume_status,
                   unnest(p_lease_id) as lease_id, unnest(p_leased_at) as leased_at,
                   unnest(p_lease_expires_at) as lease_expires_at, unnest(p_dispatched_at) as dispatched_at,
                   unnest(p_sent_at) as sent_at, unnest(p_provider_message_id) as provider_message_id,
                   unnest(p_error) as error, unnest(p_failure_kind) as failure_kind, unnest(p_revision) as revision,
                   unnest(p_updated_at) as updated_at
        ) n
        where d.message_id = n.id and d.revision = n.from_revision
        returning d.message_id
    )
    select coalesce(array_agg(message_id), '{}') into saved from saving;

    insert into outbound_event (
        message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail)
    select n.id, n.at, n.kind, n.from_status, n.to_status, n.actor, n.attempt, n.lease_id, n.leased_at,
           n.dispatched_at, n.detail
    from (
        select unnest(p_id) as id, unnest(p_entry_at) as at, unnest(p_entry_kind) as kind,
               unnest(p_entry_from) as from_status, unnest(p_entry_to) as to_status,
               unnest(p_entry_actor) as actor, unnest(p_entry_attempt) as attempt,
               unnest(p_entry_lease_id) as lease_id, unnest(p_entry_leased_at) as leased_at,
               unnest(p_entry_dispatched_at) as dispatched_at, unnest(p_entry_detail) as detail
    ) n
    where n.kind is not null and (cardinality(saved) = cardinality(p_id) or n.id = any (saved));

    return saved;
end
$$;
