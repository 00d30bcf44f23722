create or replace function outbound_state_is_whole(
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
