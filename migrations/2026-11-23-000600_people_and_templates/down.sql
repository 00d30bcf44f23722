drop table outbound_template;
drop table outbound_contact;
