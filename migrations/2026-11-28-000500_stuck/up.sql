-- Dead and held messages by their error: people look at them by cause and requeue them by cause. They are few, so the
-- indexes are small, and no step of a message on its way writes them. By a digest, as an error may be longer than an
-- index takes.
create index if not exists outbound_delivery_stuck on outbound_delivery (failure_kind, md5(error), message_id)
    where failure_kind in ('DEAD', 'HELD');
create index if not exists outbound_delivery_stuck_by_owner on outbound_delivery (owner_id, failure_kind, message_id)
    where failure_kind in ('DEAD', 'HELD');
create index if not exists outbound_delivery_stuck_by_branch on outbound_delivery (branch_id, failure_kind, message_id)
    where failure_kind in ('DEAD', 'HELD');
