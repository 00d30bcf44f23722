//! The rules that decide when a message may go: retry, quiet hours, limits, circuit, order.
//!
//! Each is a function of times and numbers that are handed in. The worker asks them before it leases and before it
//! hands off; [`crate::explain`] asks them to tell people.

pub mod circuit;
pub mod lease_order;
pub mod quiet_hours;
pub mod rate_limit;
pub mod retry;
