//! `outbound completions`.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound completions bash > /etc/bash_completion.d/outbound
  outbound completions zsh > \"${fpath[1]}/_outbound\"
  outbound completions fish > ~/.config/fish/completions/outbound.fish";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &Options) {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "outbound", &mut script);
    // A reader that went away is no error.
    let _ = std::io::stdout().write_all(&script);
}
