//! The commands of the binary `outbound`.

mod completions;
mod config;
mod data;
mod doctor;
mod explain;
mod manage;
mod migrate;
mod n8n;
mod selection;
mod serve;
mod stats;
mod token;

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use domain::usecase::manage::Act;

use crate::data_dir::DataDir;
use crate::settings::{Layers, Problems, Values};
use crate::threads::threads;

/// The exit code for bad settings; clap uses the same for bad options.
const BAD_SETTINGS: u8 = 2;

/// Shown below the help.
const EXAMPLES: &str = "\
Examples:
  outbound serve --demo                      try it: private PostgreSQL, made-up data, nothing is sent
  outbound doctor                            is all well? what to do where it is not
  outbound explain <ID>                      why has this message not gone yet?
  outbound requeue --failure-kind DEAD --dry-run

The commands on data work on the database of DATABASE_URL, or on the private PostgreSQL in --data-dir, beside a running
server or without one. Exit codes: 0 done, 1 failed or refused, 2 bad settings or options.";

/// Outbound messages: a queue between a CRM and N8N.
///
/// Settings come from the environment: `outbound config` prints them all with their sources. Without DATABASE_URL the
/// server starts a private PostgreSQL of its own and generates the secrets that are not set.
#[derive(Debug, Parser)]
#[command(name = "outbound", version, max_term_width = 110, after_help = EXAMPLES)]
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
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Options),
    /// Checks settings, secrets, database, clock, N8N and queue, and says what to do
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Options),
    /// Tells why a message has not gone yet, and all that happened to it
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Options),
    /// Prints the queue in numbers
    #[command(after_help = stats::EXAMPLES)]
    Stats(stats::Options),
    /// Queues FAILED, SKIPPED and CANCELLED messages anew
    #[command(after_help = manage::REQUEUE_EXAMPLES, arg_required_else_help = true)]
    Requeue(manage::Options),
    /// Stops messages that wait
    #[command(after_help = manage::CANCEL_EXAMPLES, arg_required_else_help = true)]
    Cancel(manage::Options),
    /// Brings the database's tables up to date, then ends; `serve` does so too
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::Options),
    /// Prints all settings with their values and sources, secrets masked
    #[command(after_help = config::EXAMPLES)]
    Config(config::Options),
    /// Prints a bearer token for development, signed with JWT_SECRET or the generated secret
    #[command(after_help = token::EXAMPLES)]
    Token(token::Options),
    /// What N8N needs
    N8n(n8n::Options),
    /// Prints what makes a shell complete the commands and their options
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Options),
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
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
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

/// Whether all is well: a command may be done and have found something amiss, which it has told.
fn start(cli: Cli, environment: Values) -> Result<bool, Failure> {
    let data_dir = DataDir::new(&cli.data_dir).map_err(anyhow::Error::from)?;
    let layers = Layers::environment(environment);
    match cli.command {
        Command::Config(options) => config::run(&options, layers, &data_dir)?,
        Command::N8n(options) => n8n::run(&options)?,
        Command::Token(options) => token::run(&options, layers, &data_dir)?,
        Command::Completions(options) => completions::run(&options),
        Command::Migrate(options) => block_on(migrate::run(&options, layers, &data_dir))?,
        Command::Serve(options) => block_on(serve::run(&options, layers, &data_dir))?,
        Command::Explain(options) => block_on(explain::run(&options, layers, &data_dir))?,
        Command::Stats(options) => block_on(stats::run(&options, layers, &data_dir))?,
        Command::Requeue(options) => {
            return block_on(manage::run(&options, Act::Requeue, layers, &data_dir));
        }
        Command::Cancel(options) => return block_on(manage::run(&options, Act::Cancel, layers, &data_dir)),
        Command::Doctor(options) => return block_on(doctor::run(&options, layers, &data_dir)),
    }
    Ok(true)
}

fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    runtime.block_on(command)
}

/// Prints for whoever asked; a reader that went away is no error.
fn say(text: &impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
