-- Copies of the demo's messages that are over or wait, as many as :messages, over the last 60 days; each to a number of
-- its own, spread over 200 owners in 10 branches. For scripts/page-speed.
create temporary table wanted as
select n, at, 'u' || n % 200 as owner_id, 'b' || n % 200 / 20 + 1 as branch_id, '9' || lpad(n::text, 8, '0') as number,
       (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 19, '0'))::uuid as id
from (select n, now() - (:messages - n) * (interval '60 days' / :messages) as at
      from generate_series(1, :messages) n) t;

create temporary table pattern as
select row_number() over () - 1 as place, count(*) over () as patterns, m, d, m.recipient like '+84%' as is_phone,
       -- All terms but those of the phone number (crates/storage-pg/src/terms.rs).
       array(select term from unnest(tsvector_to_array(m.terms)) term where term !~ '^D[0-9]{3}$') as terms
from outbound_message m join outbound_delivery d on d.message_id = m.id
where d.status in ('QUEUED', 'SENT', 'SKIPPED', 'CANCELLED') or d.failure_kind in ('DEAD', 'HELD');

-- What a copy has of its own; each other column is the pattern's.
create temporary table own (table_name text, column_name text, value text);
insert into own values
    ('outbound_message', 'id', 'w.id'),
    ('outbound_message', 'created_at', 'w.at'),
    ('outbound_message', 'owner_id', 'w.owner_id'),
    ('outbound_message', 'branch_id', 'w.branch_id'),
    ('outbound_message', 'duplicate_key', 'w.id'),
    ('outbound_message', 'recipient', $$case when p.is_phone then '+84' || w.number else (p.m).recipient end$$),
    ('outbound_message', 'terms', $$case when p.is_phone then array_to_tsvector(p.terms || array(
        select 'D' || substr('0' || w.number, at, 3) from generate_series(1, 8) at)) else (p.m).terms end$$),
    ('outbound_delivery', 'message_id', 'w.id'),
    ('outbound_delivery', 'owner_id', 'w.owner_id'),
    ('outbound_delivery', 'branch_id', 'w.branch_id'),
    ('outbound_delivery', 'created_at', 'w.at'),
    ('outbound_delivery', 'updated_at', 'w.at'),
    ('outbound_delivery', 'sent_at', 'case when (p.d).sent_at is not null then w.at end'),
    ('outbound_delivery', 'next_attempt_at', $$case when (p.d).next_attempt_at is not null then now() + interval '30 days' end$$);

-- Filled without the indexes, which are made anew afterwards.
create temporary table index_definition as
select indexname, indexdef from pg_indexes
where tablename in ('outbound_message', 'outbound_delivery') and indexname not like '%_pkey';
select format('drop index %I', indexname) from index_definition \gexec
select format('insert into %I (%s) select %s from wanted w join pattern p on p.place = w.n %% p.patterns', c.table_name,
              string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position),
              string_agg(coalesce(o.value, format(case c.table_name when 'outbound_message' then '(p.m).%I' else '(p.d).%I' end,
                                                  c.column_name)), ', ' order by c.ordinal_position))
from information_schema.columns c left join own o using (table_name, column_name)
where c.table_schema = 'public' and c.table_name in ('outbound_message', 'outbound_delivery')
group by c.table_name order by c.table_name desc \gexec
select indexdef from index_definition \gexec
vacuum analyze outbound_message;
vacuum analyze outbound_delivery;
checkpoint;
