//! The stores of Outbound in PostgreSQL.
//!
//! [`PgStore`] implements every store of [`domain::ports`], over a pool or inside one transaction. What must happen in
//! one piece on the server is a function of the migrations (`outbound_lease_v2` and its like); what is asked often is
//! a prepared [`statement`]; all else is diesel's query builder.

mod audit;
mod contacts;
mod error;
mod groups;
mod housekeeping;
mod idempotency;
mod in_force;
mod insight;
mod jobs;
mod listener;
mod merge;
mod messages;
mod migrations;
mod monitor;
mod pool;
mod reader;
mod rows;
mod runs;
mod schema;
mod server;
mod statement;
mod store;
mod templates;
mod terms;
mod tls;
mod unit;
mod wake;

pub use in_force::{GatewayKind, InForce};
pub use listener::Listener;
pub use migrations::{migrate, pending_migrations};
pub use monitor::{Backlog, Observer, PoolStatus};
pub use pool::PoolSettings;
pub use server::DatabaseServer;
pub use store::PgStore;
pub use tls::is_readable_on_the_way;
