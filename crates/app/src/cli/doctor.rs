//! `outbound doctor`.

mod database;
mod n8n;
mod queue;
mod report;
mod settings;

use clap::Args;
use serde_json::json;

use self::report::{Check, Level};
use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::settings::{Layers, Settings};
use crate::{secrets, telemetry};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound doctor
  outbound doctor --strict                              before a release: warnings count too
  outbound doctor --json | jq -r '.checks[] | select(.level != \"ok\") | .advice'

Nothing is changed, and nothing is handed to N8N. Run it with the server's environment; where the server that started
last works by other settings, it says which.
Exit code: 0 when nothing failed, else 1.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
}

/// Runs the checks; answers whether all is well.
pub(super) async fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<bool, Failure> {
    let layers = secrets::kept(layers, data_dir)?;
    let checks = check(&layers, data_dir).await;
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
    let well = worst < if options.strict { Level::Warn } else { Level::Fail };
    if options.json {
        let report = json!({"ok": well, "checks": checks});
        say(&serde_json::to_string_pretty(&report).map_err(anyhow::Error::from)?);
    } else {
        say(&report::as_text(&checks));
    }
    Ok(well)
}

async fn check(layers: &Layers, data_dir: &DataDir) -> Vec<Check> {
    let settings = match Settings::read(layers) {
        Ok(settings) => settings,
        // What they are meant to be can't be known, so nothing else is tried.
        Err(problems) => return settings::problems(&problems),
    };
    telemetry::init(&settings.server);
    let mut checks = settings::good(layers, &settings);
    checks.extend(database::check(layers, &settings, data_dir).await);
    checks.push(n8n::check(&settings).await);
    checks.extend(n8n::published_keys(&settings).await);
    checks
}
