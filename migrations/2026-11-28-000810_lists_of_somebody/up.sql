-- Nobody lists the messages without an owner or without a branch by that: their rows need not be in these indexes.
create index if not exists outbound_message_of_owner on outbound_message (owner_id, id) where owner_id is not null;
drop index outbound_message_owner;
create index if not exists outbound_message_of_branch on outbound_message (branch_id, id) where branch_id is not null;
drop index outbound_message_branch;
