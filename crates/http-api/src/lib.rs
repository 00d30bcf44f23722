//! The JSON interface of Outbound (contract §9 and §10), for CRM clients, N8N and its workflows.
//!
//! A handler is four moves: extract (permission, key and body are parameter types), convert (the DTO becomes a domain
//! command, every bad field named), run (a use case of `domain`), present ([`mod@view`]). One endpoint a file.
//!
//! [`configure`] mounts everything; [`around`] goes around the whole app. Errors become answers in one table, `error`.

mod answer;
mod api;
mod around;
mod audit;
mod auth;
mod background;
mod callback;
mod contacts;
mod deadline;
mod error;
mod extract;
mod fields;
mod health;
mod idempotency;
mod jobs;
mod messages;
mod meter;
mod metrics;
mod openapi;
pub mod present;
mod routes;
mod scalar;
mod sms;
mod stats;
mod templates;
mod texts;
mod together;
mod tracer;
mod view;
mod words;
mod worker;

pub use api::{Api, Backend, Readiness, WorkerDefaults};
pub use around::{REQUEST_ID, RequestId, around};
pub use auth::{
    AuthSettings, ByAlgorithm, Expected, Gate, Hs256, Jwks, JwksSource, Secrets, TokenError, TokenVerifier,
};
pub use background::Background;
pub use error::{ApiError, FieldProblem};
pub use meter::{Answered, CallbackResult, Meter};
pub use openapi::document;
pub use routes::configure;
pub use tracer::{RequestSpan, Tracer};
