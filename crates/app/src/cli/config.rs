//! `outbound config`.

use clap::Args;

use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::secrets;
use crate::settings::{Layers, Settings, listing};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound config
  outbound config --json | jq -r '.[] | select(.source == \"environment\") | .name'
  outbound config --example > .env";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// The text of .env.example instead
    #[arg(long, conflicts_with = "json")]
    example: bool,
}

pub(super) fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    if options.example {
        say(&listing::example().trim_end());
        return Ok(());
    }
    let layers = secrets::kept(layers, data_dir)?;
    let shown = listing::show(&layers);
    if options.json {
        say(&serde_json::to_string_pretty(&shown).map_err(anyhow::Error::from)?);
    } else {
        say(&listing::as_table(&shown).trim_end());
    }
    Settings::read(&layers)?;
    Ok(())
}
