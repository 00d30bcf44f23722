alter index outbound_message_terms set (gin_pending_list_limit = 2048);
drop function outbound_insert_v3;
