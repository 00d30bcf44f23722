-- The servers gather up to 20,000 messages before they sort their terms in, each for itself, and more come while they do.
-- None of them is to do it in the midst of an insert. When no server does it, the list may hold 60,000 messages, which
-- add about 40 ms to a search.
alter index outbound_message_terms set (gin_pending_list_limit = 16384);
