alter index outbound_delivery_pkey reset (fillfactor);
create index outbound_delivery_priority on outbound_delivery (priority, message_id) where priority <> 2;
drop index outbound_message_urgency;
