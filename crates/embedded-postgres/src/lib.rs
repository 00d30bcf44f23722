//! A private PostgreSQL, started from the server programs that the machine already has.
//!
//! The server listens on a Unix socket in a folder that only its owner may enter, and it ends with the
//! process that started it, however that process ends: a small shell guard owns `postgres` and holds the
//! reading end of a pipe whose only writing end is ours, so even a `kill -9` reaches the guard as
//! end-of-file.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use embedded_postgres::{Config, EmbeddedPostgres};
//!
//! let postgres = EmbeddedPostgres::start(Config::persistent(".outbound")).await?;
//! postgres.address().create_database("outbound").await?;
//! println!("{}", postgres.url("outbound"));
//! postgres.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Where things are, for [`Storage::Persistent`]: `<folder>/postgres/` has `data`, `run` (the socket),
//! `postgres.log` of the present run, and `lock`, which is held while a server runs. PostgreSQL refuses to run as
//! root, so root hands the server to the user `postgres` (else `nobody`); when that user cannot reach the
//! folder, the data goes to `/var/lib/outbound/<hash>` and `<folder>/postgres.location` says so.
mod account;
mod address;
mod binaries;
mod config;
mod detached;
mod error;
mod guard;
mod initdb;
mod launch;
mod leftovers;
mod place;
mod private_folder;
mod running;
mod server;
mod wait;

pub use address::Address;
pub use binaries::OLDEST_POSTGRES;
pub use config::{Config, Storage};
pub use detached::start_detached;
pub use error::{StartError, StopError};
pub use place::throwaway_parent;
pub use private_folder::claim_private_folder;
pub use running::running;
pub use server::{EmbeddedPostgres, RestartError, StopMode};
