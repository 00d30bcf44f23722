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
        from unnest(p_id, p_from_revision, p_status, p_next_attempt_at, p_attempt, p_retry_count, p_handoff_failures,
                    p_lost_leases, p_attempted, p_attempt_failed, p_resume_status, p_lease_id, p_leased_at,
                    p_lease_expires_at, p_dispatched_at, p_sent_at, p_provider_message_id, p_error, p_failure_kind,
                    p_revision, p_updated_at)
            as n (id, from_revision, status, next_attempt_at, attempt, retry_count, handoff_failures, lost_leases,
                  attempted, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at, dispatched_at,
                  sent_at, provider_message_id, error, failure_kind, revision, updated_at)
        where d.message_id = n.id and d.revision = n.from_revision
        returning d.message_id
    )
    select coalesce(array_agg(message_id), '{}') into saved from saving;

    insert into outbound_event (
        message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail)
    select n.id, n.at, n.kind, n.from_status, n.to_status, n.actor, n.attempt, n.lease_id, n.leased_at,
           n.dispatched_at, n.detail
    from unnest(p_id, p_entry_at, p_entry_kind, p_entry_from, p_entry_to, p_entry_actor, p_entry_attempt,
                p_entry_lease_id, p_entry_leased_at, p_entry_dispatched_at, p_entry_detail)
        as n (id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail)
    where n.kind is not null and (cardinality(saved) = cardinality(p_id) or n.id = any (saved));

    return saved;
end
$$;
