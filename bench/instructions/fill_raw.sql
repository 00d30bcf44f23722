insert into outbound_message (id, channel, recipient, body, owner_id, branch_id)
select md5(n::text)::uuid, 'sms', '+8490' || lpad(n::text, 7, '0'),
       repeat('Hello student, lesson. ', 8) || lpad(n::text, 16, '0'), '11111111-1111-1111-1111-111111111111',
       '22222222-2222-2222-2222-222222222222'
from generate_series(1, 20000) n;
vacuum analyze outbound_message;
