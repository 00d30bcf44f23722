//! `bench`: the server's speed over HTTP, held against raw PostgreSQL in the same minutes on the same cluster.
//!
//! It knows the server only from outside. Each case has rounds in which ours and its counterpart are measured in
//! turns, so that a slow minute hits both; the figure is the median of the rounds' ratios.

mod cases;
mod effort;
mod figures;
mod fill;
mod http;
mod load;
mod pgbench;
mod server;
mod sink;
mod table;
mod world;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use crate::figures::Row;
use crate::table::{Results, render};
use crate::world::{Size, World};

/// Measures the server against raw PostgreSQL, prints a table and writes the figures. Ends with 0 also where a figure
/// falls short: the table says so.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 110)]
struct Cli {
    /// Fewer and shorter rounds over shallower queues: a quick look
    #[arg(long)]
    quick: bool,
    /// Only these cases; `list` names them
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds of each case
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each round
    #[arg(long)]
    seconds: Option<u64>,
    /// Only the soak: at half of the top rate for so long, such as 15m or 90s
    #[arg(long, value_name = "TIME", value_parser = time)]
    soak: Option<Duration>,
    /// The server's binary; by default the one beside this one
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where the figures go
    #[arg(long, value_name = "FILE", default_value = "bench/results.json")]
    output: PathBuf,
    /// A document whose table is written anew, such as docs/PERFORMANCE.md
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.only.iter().any(|name| name == "list") {
        say(&cases::NAMES.join("\n"));
        return ExitCode::SUCCESS;
    }
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::from(2);
    };
    match runtime.block_on(until_interrupted(&cli)) {
        Ok(rows) => {
            say(&render(&rows));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("bench: {error:#}"));
            ExitCode::from(2)
        }
    }
}

async fn until_interrupted(cli: &Cli) -> anyhow::Result<Vec<Row>> {
    tokio::select! {
        rows = run(cli) => rows,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    }
}

async fn run(cli: &Cli) -> anyhow::Result<Vec<Row>> {
    let size = if cli.quick { Size::QUICK } else { Size::FULL };
    let size = Size {
        rounds: cli.rounds.unwrap_or(size.rounds).max(1),
        seconds: cli.seconds.unwrap_or(size.seconds).max(1),
        ..size
    };
    let beside = || std::env::current_exe().unwrap_or_default().with_file_name("outbound");
    let world = World::start(cli.server.clone().unwrap_or_else(beside), size).await?;
    let all = || cases::NAMES.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<String> = if cli.only.is_empty() { all() } else { cli.only.clone() };
    let mut rows = Vec::new();
    if let Some(time) = cli.soak {
        rows.extend(cases::soak(&world, time).await?);
    }
    let names = if cli.soak.is_some() { Vec::new() } else { names };
    for (index, name) in names.iter().enumerate() {
        let _ = writeln!(std::io::stderr(), "[{}/{}] {name}", index + 1, names.len());
        match cases::run(&world, name).await {
            Ok(of_case) => rows.extend(of_case),
            // The others' figures are not lost to it.
            Err(error) => say(&format!("{name} failed: {error:#}")),
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let results = Results {
        quick: cli.quick,
        rounds: size.rounds,
        seconds: size.seconds,
        cores,
        postgres: world.version().await?,
        rows: &rows,
    };
    results.write(&cli.output)?;
    if let Some(path) = &cli.document {
        let document = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let document = table::replace(&document, &render(&rows));
        let document = document.with_context(|| format!("{} has no marks for a table", path.display()))?;
        std::fs::write(path, document).with_context(|| path.display().to_string())?;
    }
    Ok(rows)
}

/// `15m` and `90s`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no time such as 15m or 90s");
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match unit {
        "m" => Ok(Duration::from_secs(number * 60)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err(wrong()),
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soak_takes_minutes_or_seconds() {
        assert_eq!(time("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert!(time("15").is_err() && time("").is_err() && time("m").is_err());
    }
}
