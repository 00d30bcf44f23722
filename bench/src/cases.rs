//! The cases, one a file.

mod bare;
mod bulk;
mod callback;
mod create;
mod depth;
mod generator;
mod idle;
mod lists;
mod processes;
mod pull;
mod push;
mod soak;
mod wake;

pub use soak::run as soak;

use crate::figures::Row;
use crate::world::World;

/// The database of the cases that need but one.
const OURS: &str = "ours";

/// The names that `--only` takes, in the order of a whole run.
pub const NAMES: &[&str] = &[
    "generator",
    "pull200",
    "pull50",
    "push",
    "create",
    "bulk",
    "callback",
    "bare",
    "wake",
    "processes",
    "depth",
    "later",
    "sent",
    "greedy",
    "lists",
    "idle",
    "start",
];

/// Runs one case.
pub async fn run(world: &World, name: &str) -> anyhow::Result<Vec<Row>> {
    match name {
        "generator" => generator::run(world).await,
        "pull200" => pull::run(world, 200).await,
        "pull50" => pull::run(world, 50).await,
        "push" => push::run(world).await,
        "create" => create::run(world).await,
        "bulk" => bulk::run(world).await,
        "callback" => callback::run(world).await,
        "bare" => bare::run(world).await,
        "wake" => wake::run(world).await,
        "processes" => processes::run(world).await,
        "depth" => depth::run(world, depth::due(world)).await,
        "later" => depth::run(world, depth::later(world)).await,
        "sent" => depth::run(world, depth::sent(world)).await,
        "greedy" => depth::run(world, depth::greedy(world)).await,
        "lists" => lists::run(world).await,
        "idle" => idle::run(world).await,
        "start" => idle::start(world).await,
        other => anyhow::bail!("there is no case {other}; there are {}", NAMES.join(", ")),
    }
}

/// Says how far a case is.
pub fn say(case: &str, round: usize, what: &str, figure: f64) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "  {case}, round {}: {what} {figure:.1}", round + 1);
}
