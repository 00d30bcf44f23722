drop table outbound_event;
drop table outbound_delivery;
drop table outbound_message;
