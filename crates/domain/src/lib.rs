//! The rules of Outbound, and nothing else: no clock, no randomness, no I/O.
pub mod channel;
pub mod phone;
pub mod policy;
pub mod sms;
pub mod template;
pub mod vocabulary;
