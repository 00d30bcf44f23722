-- The numbers that are stored already. In one statement, as nothing is released yet; nobody waits for it, as the rows of
-- messages are written once.
update outbound_message set terms = outbound_terms_renewed_v1(terms, recipient) where recipient like '+%' and channel <> 'FB';
