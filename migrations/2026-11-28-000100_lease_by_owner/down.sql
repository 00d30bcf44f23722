drop function outbound_lease_v2;
drop function outbound_pick_v2;
drop function outbound_due_v2;
drop function outbound_count_due_v1;
drop function outbound_pick_by_owner_v2;
drop function outbound_rows_of_scope_v1;
create index outbound_delivery_due_by_branch
    on outbound_delivery (branch_id, channel, priority, next_attempt_at, message_id)
    where next_attempt_at is not null and lease_id is null;
create index outbound_delivery_due_retry on outbound_delivery (channel, priority, next_attempt_at, message_id)
    where failure_kind = 'RETRY';
drop index outbound_delivery_due_by_branch_owner;
drop index outbound_delivery_retry_by_owner;
