drop table outbound_job_event;
drop table outbound_job;
