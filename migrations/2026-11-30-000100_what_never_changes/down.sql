create or replace function outbound_insert_v2(
    -- The window of the rule for duplicates; p_today null: the rule is off.
    p_today date, p_days integer,
    p_id uuid[], p_channel text[], p_recipient text[], p_template_key text[], p_body text[],
    -- The terms of each, with blanks between.
    p_terms text[],
    p_lead_id text[], p_student_id text[], p_notification_id text[], p_owner_id text[], p_branch_id text[],
    p_job_id uuid[], p_full_name text[], p_owner_name text[], p_created_by text[],
    p_created_at timestamptz[], p_scheduled_at timestamptz[], p_updated_at timestamptz[], p_duplicate_key uuid[],
    p_priority smallint[], p_due_at timestamptz[], p_error text[],
    -- Why it is skipped, if that is known already; whether it passes the rule for duplicates.
    p_reason text[], p_allow_duplicate boolean[]
) returns text[]
language plpgsql
-- The plans must not depend on how full the tables were when the session made them.
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
    -- The first key of the two-part advisory locks that make inserts of equal messages take turns.
    lock_space constant integer := 1869968484;
    -- Each lock takes room in a table of fixed size; a larger batch locks out the others as a whole.
    most_locks constant integer := 500;
    reasons text[] := p_reason;
    keys uuid[];
    candidates bigint;
    taken boolean;
begin
    if exists (select from outbound_opt_out) then
        select array_agg(
            case when n.reason is null and exists (
                select from outbound_opt_out o
                where o.channel = n.channel
                  and o.key in ('student:' || n.student_id, 'lead:' || n.lead_id, 'to:' || n.recipient))
            then 'OPTED_OUT' else n.reason end order by n.place)
        into reasons
        from unnest(reasons, p_channel, p_student_id, p_lead_id, p_recipient) with ordinality
            as n (reason, channel, student_id, lead_id, recipient, place);
    end if;

    if p_today is not null then
        select array_agg(distinct n.key order by n.key), count(*) into keys, candidates
        from unnest(p_duplicate_key, p_allow_duplicate, reasons) as n (key, allow, reason)
        where not n.allow and n.reason is null;
    end if;

    if keys is not null then
        -- In the keys' order, or two calls could wait for each other. The next statement has a fresh snapshot, and so
        -- sees what the holders before have committed.
        if cardinality(keys) > most_locks then
            perform pg_advisory_xact_lock(lock_space, 0);
        else
            perform pg_advisory_xact_lock_shared(lock_space, 0);
            perform pg_advisory_xact_lock(uuid_hash_extended(k.key, 0)) from unnest(keys) as k (key);
        end if;

        -- Mostly all keys are new. Looked up in their order, which is that of the index.
        taken := cardinality(keys) < candidates or exists (
            select from unnest(keys) as k (key)
            where exists (
                select from outbound_message m where m.duplicate_key = k.key and m.local_day > p_today - p_days
                offset 0));
        if taken then
            -- By row, in the select list: an index probe each, whatever the planner thinks.
            select array_agg(
                case when n.reason is null and not n.allow and (n.place > n.first_queued or exists (
                    select from outbound_message m
                    join outbound_delivery d on d.message_id = m.id
                    where m.duplicate_key = n.key
                      and m.local_day > p_today - p_days
                      and (d.status in ('QUEUED', 'LEASED', 'DISPATCHED', 'SENT') or d.failure_kind = 'RETRY')
                    offset 0))
                then 'DUPLICATE_TODAY' else n.reason end order by n.place)
            into reasons
            from (
                select u.place, u.reason, u.allow, u.key,
                       min(u.place) filter (where u.reason is null) over (partition by u.key) as first_queued
                from unnest(p_duplicate_key, p_allow_duplicate, reasons) with ordinality
                    as u (key, allow, reason, place)
            ) n;
        end if;
    end if;

    insert into outbound_message (
        id, channel, recipient, template_key, body, terms, lead_id, student_id, notification_id, owner_id, branch_id,
        job_id, full_name, owner_name, created_by, created_at, scheduled_at, duplicate_key, local_day)
    select n.id, n.channel, n.recipient, n.template_key, n.body, array_to_tsvector(string_to_array(n.terms, ' ')),
           n.lead_id, n.student_id, n.notification_id, n.owner_id, n.branch_id, n.job_id, n.full_name, n.owner_name,
           n.created_by, n.created_at, n.scheduled_at, n.duplicate_key,
           coalesce(p_today, (n.created_at at time zone 'UTC')::date)
    from unnest(p_id, p_channel, p_recipient, p_template_key, p_body, p_terms, p_lead_id, p_student_id,
                p_notification_id, p_owner_id, p_branch_id, p_job_id, p_full_name, p_owner_name, p_created_by,
                p_created_at, p_scheduled_at, p_duplicate_key)
        as n (id, channel, recipient, template_key, body, terms, lead_id, student_id, notification_id, owner_id,
              branch_id, job_id, full_name, owner_name, created_by, created_at, scheduled_at, duplicate_key);

    insert into outbound_delivery (
        message_id, status, priority, channel, owner_id, branch_id, job_id, next_attempt_at, error, attempt,
        retry_count, handoff_failures, lost_leases, attempted, revision, updated_at)
    select n.id, case when n.reason is null then 'QUEUED' else 'SKIPPED' end, n.priority, n.channel,
           coalesce(n.owner_id, ''), n.branch_id, n.job_id, case when n.reason is null then n.due_at end,
           coalesce(n.reason, n.error), 1, 0, 0, 0, false, 0, n.updated_at
    from unnest(p_id, reasons, p_priority, p_channel, p_owner_id, p_branch_id, p_job_id, p_due_at, p_error,
                p_updated_at)
        as n (id, reason, priority, channel, owner_id, branch_id, job_id, due_at, error, updated_at);

    return reasons;
end
$$;

alter table outbound_message drop column urgency;
alter table outbound_delivery drop column created_at;
