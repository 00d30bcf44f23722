//! What the tests of several crates share.
pub mod cluster;
pub mod database;
pub mod scripted_n8n;
