//! Tries the server's promises from outside.
//!
//! Three real server processes work on one durable PostgreSQL, between clients that make messages and an N8N that
//! misbehaves, while processes are killed and frozen, the database is restarted, and the clock moves through quiet
//! hours. Then N8N's log, which is the truth, is compared with the database (`verdict`).
//!
//! The faults, and N8N's behaviour towards each message, follow from the seed; how they interleave does not.

pub mod clock;
pub mod database;
pub mod days;
pub mod drain;
pub mod evidence;
pub mod faults;
pub mod folder;
pub mod hours;
pub mod journal;
pub mod load;
pub mod moment;
pub mod n8n;
pub mod options;
pub mod plan;
pub mod processes;
pub mod reaper;
pub mod report;
pub mod run;
pub mod settings;
pub mod verdict;

pub use options::Options;
pub use report::Report;
pub use run::run;
