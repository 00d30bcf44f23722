update outbound_message m set terms = array_to_tsvector(array(
    select t from unnest(tsvector_to_array(m.terms)) as t where t !~ '^[DP][0-9]+$'
    union
    select 'D' || substr(p.digits, n, 3)
    from (select case when m.recipient like '+84%' then '0' || substr(m.recipient, 4)
                      else substr(m.recipient, 2) end) as p (digits),
         generate_series(1, length(p.digits) - 2) n))
where m.recipient like '+%' and channel <> 'FB';
