//! `outbound migrate`.

use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::settings::{Layers, Settings};
use crate::{secrets, storage, telemetry};

pub(super) async fn run(layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    let settings = Settings::read(&secrets::kept(layers, data_dir)?)?;
    telemetry::init(&settings.server);
    let database = Database::open(&settings.database, data_dir).await?;
    let migrated = storage::migrate(database.url()).await;
    database.close().await?;
    let applied = migrated?;
    match applied.as_slice() {
        [] => say(&"the database is up to date"),
        names => say(&format_args!("applied: {}", names.join(", "))),
    }
    Ok(())
}
