drop function outbound_lease_v1;
drop function outbound_pick_v1;
drop function outbound_pick_by_owner_v1;
drop function outbound_lock_due_v1;
drop function outbound_due_v1;
drop function outbound_due_of_rank_v1;
