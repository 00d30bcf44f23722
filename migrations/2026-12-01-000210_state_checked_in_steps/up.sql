-- The same check of a state, in steps: PostgreSQL makes an expression ready anew for each transaction, and now only those
-- of the state that it is. The one over all states took a fifteenth of a statement that stores one message.
create or replace function outbound_state_is_whole(
    status text, next_attempt_at timestamptz, attempt_failed boolean, resume_status text, lease_id uuid,
    leased_at timestamptz, lease_expires_at timestamptz, dispatched_at timestamptz, sent_at timestamptz,
    provider_message_id text, error text, failure_kind text
) returns boolean
language plpgsql immutable
as $$
begin
    -- The frequent ones first.
    if status = 'QUEUED' then
        return next_attempt_at is not null
            and num_nonnulls(attempt_failed, resume_status, lease_id, leased_at, lease_expires_at, dispatched_at,
                             sent_at, provider_message_id, failure_kind) = 0;
    elsif status = 'DISPATCHED' then
        return num_nulls(lease_id, leased_at, lease_expires_at, dispatched_at) = 0
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, sent_at, provider_message_id,
                             failure_kind) = 0;
    elsif status = 'SENT' then
        return sent_at is not null
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                             error, failure_kind) = 0;
    elsif status = 'LEASED' then
        return num_nulls(next_attempt_at, resume_status, lease_id, leased_at, lease_expires_at) = 0
            and num_nonnulls(dispatched_at, sent_at, provider_message_id, failure_kind) = 0
            and case resume_status
                when 'QUEUED' then attempt_failed is null
                when 'FAILED' then num_nulls(attempt_failed, error) = 0
                else false
                end;
    elsif status = 'FAILED' then
        return error is not null
            and num_nonnulls(resume_status, leased_at, lease_expires_at, dispatched_at, sent_at,
                             provider_message_id) = 0
            and case failure_kind
                when 'RETRY' then num_nulls(next_attempt_at, attempt_failed) = 0 and lease_id is null
                when 'DEAD' then num_nonnulls(next_attempt_at, attempt_failed, lease_id) = 0
                when 'HELD' then num_nonnulls(next_attempt_at, attempt_failed) = 0 and lease_id is not null
                else false
                end;
    elsif status = 'SKIPPED' then
        return error is not null
            and num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                             dispatched_at, sent_at, provider_message_id, failure_kind) = 0;
    elsif status = 'CANCELLED' then
        return num_nonnulls(next_attempt_at, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at,
                            dispatched_at, sent_at, provider_message_id, error, failure_kind) = 0;
    end if;
    return false;
end
$$;
