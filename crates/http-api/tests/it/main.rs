//! The API at its edges: who is let in, what a body may be, how errors look. `cargo test -p http-api`.
//!
//! The store is the one in memory; what the database must guarantee is tested in `app`, against PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod access;
mod at_once;
mod bodies;
mod bulk;
mod callback;
mod contacts;
mod create;
mod dispatch;
mod dry_run;
mod errors;
mod explain;
mod heartbeat;
mod idempotency;
mod jobs;
mod jobs_list;
mod jwks;
mod list;
mod manage;
mod metrics;
mod openapi;
mod preview;
mod request_id;
mod secrets;
mod simulator;
mod spec;
mod stats;
mod support;
mod templates;
mod tokens;
mod worker;
