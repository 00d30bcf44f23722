do $migration$
declare
    body text := pg_get_functiondef('outbound_insert_v3'::regproc);
    older text := pg_get_functiondef('outbound_insert_v2'::regproc);
    filler text := pg_get_functiondef('outbound_message_fill_terms'::regproc);
begin
    execute replace(body, 'outbound_terms_renewed_v1(n.terms, n.recipient),', 'n.terms,');
    execute replace(older, 'outbound_terms_renewed_v1(array_to_tsvector(string_to_array(n.terms, '' '')), n.recipient),',
                    'array_to_tsvector(string_to_array(n.terms, '' '')),');
    execute regexp_replace(filler, 'outbound_terms_renewed_v1\((outbound_terms_of_search_v1\(([^;]|\n)*\)), new\.recipient\);',
                           '\1;');
end
$migration$;
drop function outbound_insert_v4;

update outbound_message m set terms = array_to_tsvector(array(
    select t from unnest(tsvector_to_array(m.terms)) as t where t !~ '^[DP][0-9]+$'
    union
    select 'D' || substr(p.digits, n, 3)
    from (select case when m.recipient like '+84%' then '0' || substr(m.recipient, 4)
                      else substr(m.recipient, 2) end) as p (digits),
         generate_series(1, length(p.digits) - 2) n))
where m.recipient like '+%';
drop function outbound_terms_renewed_v1;
drop function outbound_terms_of_number_v1;
