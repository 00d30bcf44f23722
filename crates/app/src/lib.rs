//! Outbound, the server: the one crate that knows every other and wires them together.
//!
//! [`settings`] reads the environment once, [`clock`] is the one place that reads the time, [`server`] makes one server
//! of it all, [`worker`] is the part that runs by itself, and [`cli`] holds the commands of the binary `outbound`.

mod access;
pub mod cli;
pub mod clock;
pub mod data_dir;
pub mod database;
pub mod demo;
pub mod engine;
pub mod gateway;
pub mod in_force;
mod jwks;
pub mod metrics;
mod pages;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod storage;
pub mod telemetry;
mod threads;
pub mod token;
pub mod traces;
pub mod watch;
pub mod worker;
