//! Outbound, the server: the one crate that knows every other and wires them together.
//!
//! [`settings`] reads the environment once, [`clock`] is the one place that reads the time, and [`cli`] holds the
//! commands of the binary `outbound`.

pub mod clock;
pub mod data_dir;
pub mod database;
pub mod engine;
pub mod gateway;
pub mod secrets;
pub mod settings;
pub mod telemetry;
pub mod token;
pub mod worker;
