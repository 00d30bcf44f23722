with given as materialized (
    select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        as n (key, full_name, phone, zalo_user_id, facebook_psid, owner_id, owner_name, branch_id, opted_out, search)
), contact as (
    insert into outbound_contact as old (
        key, full_name, phone, zalo_user_id, facebook_psid, owner_id, owner_name, branch_id, opted_out, search,
        updated_at)
    select key, full_name, phone, zalo_user_id, facebook_psid, owner_id, owner_name, branch_id,
           string_to_array(opted_out, ','), search, $11
    from given
    on conflict (key) do update set
        full_name = excluded.full_name, phone = excluded.phone, zalo_user_id = excluded.zalo_user_id,
        facebook_psid = excluded.facebook_psid, owner_id = excluded.owner_id, owner_name = excluded.owner_name,
        branch_id = excluded.branch_id, opted_out = excluded.opted_out, search = excluded.search,
        updated_at = excluded.updated_at
), closed as materialized (
    select distinct * from unnest($12, $13, $14) as n (channel, key, contact_key)
), reopened as (
    -- What the contact had closed before and has not closed now, its former addresses among it.
    delete from outbound_opt_out old
    where old.contact_key in (select key from given)
      and not exists (
          select from closed n
          where n.channel = old.channel and n.key = old.key and n.contact_key = old.contact_key)
)
insert into outbound_opt_out (channel, key, contact_key)
select channel, key, contact_key from closed order by channel, key, contact_key
on conflict do nothing
