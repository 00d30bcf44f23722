//! The commands of the binary `outbound`.

mod config;
mod migrate;
mod n8n;
mod serve;
mod token;

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::data_dir::DataDir;
use crate::settings::{Layers, Problems, Values};

/// The exit code for bad settings; clap uses the same for bad options.
const BAD_SETTINGS: u8 = 2;

/// Outbound messages: a queue between a CRM and N8N.
///
/// Settings come from the environment: `outbound config` prints them all with their sources. Without DATABASE_URL the
/// server starts a private PostgreSQL of its own and generates the secrets that are not set.
#[derive(Debug, Parser)]
#[command(name = "outbound", version, max_term_width = 110)]
struct Cli {
    /// Where the private PostgreSQL keeps its data and the generated secrets
    #[arg(long, global = true, value_name = "FOLDER", default_value = ".outbound")]
    data_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server until it is told to stop (SIGTERM, Ctrl-C)
    Serve(serve::Options),
    /// Brings the database's tables up to date, then ends; `serve` does so too
    Migrate,
    /// Prints all settings with their values and sources, secrets masked
    Config(config::Options),
    /// Prints a bearer token for development, signed with JWT_SECRET or the generated secret
    Token(token::Options),
    /// What N8N needs
    N8n(n8n::Options),
}

/// Why a command failed, by what its exit code tells.
enum Failure {
    /// Settings are bad.
    Settings(Problems),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

/// Runs the command that the arguments name, with these environment variables.
pub fn run(environment: Values) -> ExitCode {
    let cli = Cli::parse();
    match start(cli, environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(problems)) => {
            complain(&problems);
            ExitCode::from(BAD_SETTINGS)
        }
        Err(Failure::Other(error)) => {
            complain(&format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli, environment: Values) -> Result<(), Failure> {
    let data_dir = DataDir::new(&cli.data_dir).map_err(anyhow::Error::from)?;
    let layers = Layers::environment(environment);
    match cli.command {
        Command::Config(options) => config::run(&options, layers, &data_dir),
        Command::N8n(options) => Ok(n8n::run(&options)?),
        Command::Token(options) => Ok(token::run(&options, layers, &data_dir)?),
        Command::Migrate => block_on(migrate::run(layers, &data_dir)),
        Command::Serve(options) => block_on(serve::run(&options, layers, &data_dir)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from)?;
    runtime.block_on(command)
}

/// Prints for whoever asked; a reader that went away is no error.
fn say(text: &impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
