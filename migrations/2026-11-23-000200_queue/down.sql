drop table outbound_circuit;
drop table outbound_run;
drop table outbound_opt_out;
drop table outbound_rate_window;
