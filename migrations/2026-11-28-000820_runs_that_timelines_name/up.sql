-- A run that passed quiet hours is kept for good: the timelines of its messages say by whom, however old they grow. They
-- are few.
create or replace function outbound_purge_runs_v1(p_before timestamptz, p_limit integer) returns integer
language plpgsql
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set enable_hashjoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
    gone uuid[];
begin
    select coalesce(array_agg(o.lease_id), '{}') into gone
    from (
        select r.lease_id from outbound_run r
        where r.started_at < p_before
          and not r.ignored_quiet_hours
          and not exists (
              select from outbound_delivery d where d.lease_id = r.lease_id and d.lease_expires_at is not null)
        order by r.started_at
        limit p_limit
        for update of r skip locked
    ) o;
    delete from outbound_run where lease_id = any (gone);
    return cardinality(gone);
end
$$;
