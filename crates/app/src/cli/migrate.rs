//! `outbound migrate`.

use clap::Args;
use serde_json::json;

use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::settings::{Layers, Settings};
use crate::{secrets, storage, telemetry};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound migrate --dry-run
  outbound migrate --json

It may run while servers of the version before serve. A change that waits for a lock gives up after seconds, so that
nobody queues behind it, and tries again.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Tell what is missing, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    let settings = Settings::read(&secrets::kept(layers, data_dir)?)?;
    telemetry::init(&settings.server);
    let database = Database::attach_or_open(&settings.database, data_dir).await?;
    let done = if options.dry_run {
        storage::pending_migrations(database.url()).await
    } else {
        storage::migrate(database.url()).await
    };
    database.close().await?;
    let names = done?;
    if options.json {
        let key = if options.dry_run { "pending" } else { "applied" };
        say(&json!({ key: names }));
        return Ok(());
    }
    match (names.as_slice(), options.dry_run) {
        ([], _) => say(&"the database is up to date"),
        (names, true) => say(&format_args!("pending: {}", names.join(", "))),
        (names, false) => say(&format_args!("applied: {}", names.join(", "))),
    }
    Ok(())
}
