//! N8N, spoken both ways.
//!
//! Out: [`gateway`] posts each message to N8N's webhook as [`payload`] writes it, and [`classify`] says what its answer
//! means. In: [`callback`] reads what N8N calls back with, [`signature`] tells whether it was N8N, and [`replay`]
//! whether it was N8N just now. No other crate knows how N8N writes. [`simulator`] stands in for N8N where there is none.

pub mod callback;
pub mod classify;
mod fields;
pub mod gateway;
mod http;
mod json;
pub mod payload;
pub mod reach;
pub mod replay;
pub mod settings;
pub mod signature;
pub mod simulator;

pub use callback::N8nCallbacks;
pub use gateway::N8nGateway;
pub use payload::HandOffBody;
pub use reach::{ReachError, Reached, reach};
pub use settings::{N8nSettings, SettingsError};
pub use signature::{Secret, SecretError, Signer};
pub use simulator::{SimulatorGateway, SimulatorSettings};
