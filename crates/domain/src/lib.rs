//! The rules of Outbound, and nothing else: no clock, no randomness, no I/O.
//!
//! Time and chance are handed in, adapters implement the [`ports`], and the [`usecase`]s say what the product does.
//! Start with [`message`], whose [`message::Message::apply`] is the state machine of `docs/STATES.md`.

pub mod access;
pub mod actor;
pub mod address;
pub mod channel;
pub mod contact;
pub mod explain;
pub mod ids;
pub mod job;
pub mod message;
pub mod parcel;
pub mod phone;
pub mod policy;
pub mod ports;
pub mod rules;
pub mod sms;
pub mod template;
pub mod text;
pub mod usecase;
pub mod vocabulary;
