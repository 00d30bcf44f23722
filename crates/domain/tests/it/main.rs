//! The rules, tried without a database: `cargo test -p domain`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod advise;
mod build;
mod callbacks;
mod create;
mod expire;
mod explain;
mod explain_message;
mod gateway;
mod heartbeat;
mod jobs;
mod layers;
mod manage;
mod run_worker;
mod state_machine;
mod states_page;
mod tidy;
mod turns;
