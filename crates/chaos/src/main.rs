//! `chaos`: a run from the command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chaos::{Options, Report, run};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Kills, freezes and restarts three servers and their database, with an N8N that misbehaves, and then checks every
/// promise. Ends with 0 when all were kept, 1 when one was broken, 2 when the run itself failed.
#[derive(Debug, Parser)]
#[command(name = "chaos", max_term_width = 110)]
struct Cli {
    /// How long faults are injected
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Decides the faults; a new one each time by default
    #[arg(long)]
    seed: Option<u64>,
    /// The server's binary; by default the one beside this one
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let beside = || std::env::current_exe().unwrap_or_default().with_file_name("outbound");
    let options = Options::new(cli.server.unwrap_or_else(beside), Duration::from_secs(cli.seconds), seed);
    let options = Options { talk: true, ..if cli.seconds < 90 { options.short() } else { options } };
    say(&format!(
        "chaos: seed {seed}, {} s; the same again: --seed {seed} --seconds {}",
        cli.seconds, cli.seconds
    ));
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::from(2);
    };
    let report = runtime.block_on(until_interrupted(options));
    // Whatever is still running ends here: tasks are dropped, and with them servers and database.
    drop(runtime);
    match report {
        Ok(report) => {
            say(&report.to_string());
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            say(&format!("chaos: the run failed: {error:#} (seed {seed})"));
            ExitCode::from(2)
        }
    }
}

async fn until_interrupted(options: Options) -> anyhow::Result<Report> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        report = run(options) => report,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
