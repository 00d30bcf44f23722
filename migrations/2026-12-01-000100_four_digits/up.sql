-- A phone number is found by four digits that stand together, not by three: of five million messages ten times fewer have
-- them, and what is searched for has fewer of them to be looked up. The whole number is a term in place of its first
-- digits, so that what it begins with is found at once; and the last three stand alone, so that three digits are still
-- found anywhere. Terms are found by what they begin with. What is stored already is renewed by the next migration: by then
-- nobody stores the old terms. Servers of the version before find numbers by their last three digits alone from then on.

-- The terms of a number. What Facebook calls somebody by is none, whatever it looks like.
create function outbound_terms_of_number_v1(p_recipient text) returns text[]
language sql immutable
set search_path = pg_catalog
as $$
    select array_remove('P' || p.digits || array(
        select 'D' || substr(p.digits, n, 4) from generate_series(2, length(p.digits) - 2) n), null)
    from (select case when p_recipient like '+84%' then '0' || substr(p_recipient, 4)
                      when p_recipient like '+%' then substr(p_recipient, 2) end) as p (digits)
$$;

-- Terms of the version before with those of the number as they are now.
create function outbound_terms_renewed_v1(p_terms tsvector, p_recipient text) returns tsvector
language sql immutable
as $$
    select case when p_terms is not null then array_to_tsvector(array(
        select t from unnest(tsvector_to_array(p_terms)) as t where t !~ '^[DP][0-9]+$'
        union
        select unnest(outbound_terms_of_number_v1(p_recipient)))) end
$$;

-- The servers of this version send the terms as they are now; what those before send is renewed.
do $migration$
declare
    body text := pg_get_functiondef('outbound_insert_v3'::regproc);
    older text := pg_get_functiondef('outbound_insert_v2'::regproc);
begin
    if regexp_count(body, 'outbound_insert_v3\(') <> 1 or regexp_count(body, 'n\.terms,') <> 1
        or regexp_count(older, 'array_to_tsvector\(string_to_array\(n\.terms, '' ''\)\),') <> 1 then
        raise exception 'outbound_insert_v2 or v3 is not as this migration knows it';
    end if;
    execute replace(body, 'outbound_insert_v3(', 'outbound_insert_v4(');
    execute replace(body, 'n.terms,', 'outbound_terms_renewed_v1(n.terms, case when n.channel <> ''FB'' then n.recipient end),');
    execute replace(older, 'array_to_tsvector(string_to_array(n.terms, '' '')),',
                    'outbound_terms_renewed_v1(array_to_tsvector(string_to_array(n.terms, '' '')), case when n.channel <> ''FB'' then n.recipient end),');

    body := pg_get_functiondef('outbound_message_fill_terms'::regproc);
    if regexp_count(body, 'new\.terms := outbound_terms_of_search_v1\(([^;]|\n)*\);') <> 1 then
        raise exception 'outbound_message_fill_terms is not as this migration knows it';
    end if;
    execute regexp_replace(
        body, 'new\.terms := (outbound_terms_of_search_v1\(([^;]|\n)*\));',
        'new.terms := outbound_terms_renewed_v1(\1, case when new.channel <> ''FB'' then new.recipient end);');
end
$migration$;
