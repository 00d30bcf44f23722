//! `outbound n8n`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::say;

/// Shown below the help.
const EXAMPLES: &str = "\
Examples:
  outbound n8n export --webhook-url https://n8n.example.vn/webhook/outbound --base-url https://crm.example.vn";

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes the workflows for N8N with the URLs filled in; no secret is in them, see docs/N8N.md
    #[command(after_help = EXAMPLES)]
    Export(Export),
}

#[derive(Debug, Args)]
struct Export {
    /// Where N8N takes hand-offs, as in N8N_WEBHOOK_URL, such as https://n8n.example.vn/webhook/outbound
    #[arg(long, value_name = "URL")]
    webhook_url: String,
    /// Where N8N reaches this server, such as https://crm.example.vn
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// The folder to write to; made where it is missing
    #[arg(long, value_name = "DIR", default_value = "n8n-workflows")]
    out: PathBuf,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let Command::Export(export) = &options.command;
    let files = n8n_pack::export(&export.webhook_url, &export.base_url)?;
    std::fs::create_dir_all(&export.out).with_context(|| format!("cannot make {}", export.out.display()))?;
    for (name, json) in files {
        let path = export.out.join(name);
        std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
        say(&path.display());
    }
    Ok(())
}
