-- Only the messages that are not of the middle priority, which are few, are written; nobody else writes these rows.
update outbound_message m set urgency = d.priority
from outbound_delivery d
where d.priority <> 2 and d.message_id = m.id and m.urgency is null;

create index if not exists outbound_message_urgency on outbound_message (urgency, id) where urgency is not null;

-- Servers of the version before find those messages by the order of the ids.
drop index outbound_delivery_priority;

-- Each step adds an entry beside the message's older ones. With room for one, hardly a page is split for it: that was
-- an eighth of a lease.
alter index outbound_delivery_pkey set (fillfactor = 50);
