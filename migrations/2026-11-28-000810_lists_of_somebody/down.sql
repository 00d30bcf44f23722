create index outbound_message_owner on outbound_message (owner_id, id);
drop index outbound_message_of_owner;
create index outbound_message_branch on outbound_message (branch_id, id);
drop index outbound_message_of_branch;
