-- What was just being stored with the old terms when the functions were replaced, and was not there yet for the migration
-- before: it is waited for, and it is among the newest.
lock table outbound_message in share row exclusive mode;
update outbound_message set terms = outbound_terms_renewed_v1(terms, recipient)
where id >= (lpad(to_hex((extract(epoch from now() - interval '1 day') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  and recipient like '+%' and channel <> 'FB' and not terms @@ 'P:*'::tsquery;
