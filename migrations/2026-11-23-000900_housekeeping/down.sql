drop function outbound_purge_runs_v1;
drop function outbound_purge_messages_v1;
drop index outbound_delivery_over;
