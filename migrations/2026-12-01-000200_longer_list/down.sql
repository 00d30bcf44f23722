alter index outbound_message_terms set (gin_pending_list_limit = 8192);
