drop function outbound_insert_v1;
