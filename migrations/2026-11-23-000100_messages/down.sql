drop table outbound_event;
drop table outbound_delivery;
drop function outbound_state_is_whole;
drop table outbound_message;
