//! The stores against a real PostgreSQL: `cargo test -p storage-pg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod build;
mod checks;
mod claims;
mod closing_time;
mod housekeeping;
mod idempotency;
mod in_force;
mod insert;
mod insight;
mod jobs;
mod lease_as_domain;
mod lease_order;
mod limits;
mod lists;
mod lists_of_many;
mod merge;
mod migrations;
mod monitor;
mod opt_out;
mod people;
mod portions;
mod restart;
mod round_trip;
mod runs;
mod save;
mod save_sent;
mod starvation;
mod stats;
mod wake;
