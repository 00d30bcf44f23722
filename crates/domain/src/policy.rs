//! The rules that decide when a message may go: retry, quiet hours, limits, circuit, order.

pub mod circuit;
pub mod lease_order;
pub mod quiet_hours;
pub mod rate_limit;
pub mod retry;
