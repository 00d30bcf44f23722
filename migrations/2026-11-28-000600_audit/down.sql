drop table outbound_audit;
drop function outbound_audit_stays();
