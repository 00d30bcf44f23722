drop table outbound_idempotency;
