drop index if exists outbound_delivery_stuck_by_branch;
drop index if exists outbound_delivery_stuck_by_owner;
drop index if exists outbound_delivery_stuck;
