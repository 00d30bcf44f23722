drop function outbound_save_v1;
