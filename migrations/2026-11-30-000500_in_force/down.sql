drop table outbound_in_force;
