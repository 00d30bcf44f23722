do $migration$
declare
    body text := pg_get_functiondef('outbound_insert_v3'::regproc);
    older text := pg_get_functiondef('outbound_insert_v2'::regproc);
    filler text := pg_get_functiondef('outbound_message_fill_terms'::regproc);
begin
    execute replace(body, 'outbound_terms_renewed_v1(n.terms, case when n.channel <> ''FB'' then n.recipient end),', 'n.terms,');
    execute replace(older, 'outbound_terms_renewed_v1(array_to_tsvector(string_to_array(n.terms, '' '')), case when n.channel <> ''FB'' then n.recipient end),',
                    'array_to_tsvector(string_to_array(n.terms, '' '')),');
    execute regexp_replace(filler, 'outbound_terms_renewed_v1\((outbound_terms_of_search_v1\(([^;]|\n)*\)), case when new\.channel <> ''FB'' then new\.recipient end\);',
                           '\1;');
end
$migration$;
drop function outbound_insert_v4;

drop function outbound_terms_renewed_v1;
drop function outbound_terms_of_number_v1;
