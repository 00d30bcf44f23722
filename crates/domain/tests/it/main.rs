//! The rules, tried without a database: `cargo test -p domain`.

mod build;
mod callbacks;
mod create;
mod expire;
mod gateway;
mod manage;
mod run_worker;
mod state_machine;
mod states_page;
