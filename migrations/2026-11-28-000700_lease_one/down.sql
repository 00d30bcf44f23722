drop function outbound_lease_one_v1;
drop function outbound_pick_one_v1;
drop function outbound_count_one_v1;
drop function outbound_used_v1;
