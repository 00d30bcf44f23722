drop function outbound_insert_v2;
drop trigger outbound_message_fill_terms on outbound_message;
drop function outbound_message_fill_terms;
create index outbound_delivery_status on outbound_delivery (status, message_id)
    where status not in ('LEASED', 'DISPATCHED');
drop index outbound_delivery_priority;
drop index outbound_delivery_settled;
drop index outbound_delivery_queued;
create index outbound_message_created on outbound_message (created_at);
drop index outbound_message_terms;
update outbound_message
set search = lower(concat_ws(E'\n', recipient, template_key, body)) where search is null;
alter table outbound_message alter column search set not null;
create index outbound_message_search on outbound_message using gin (search gin_trgm_ops)
    with (gin_pending_list_limit = 8192);
drop table outbound_template_term;
drop function outbound_terms_of_search_v1;
alter table outbound_message drop column terms;
