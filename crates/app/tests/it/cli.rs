//! The commands beside `serve`, by the binary itself.

mod beside;
mod doctor;
mod messages;
mod shell;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::process::{run, text};
use crate::support::{TestApp, settings};

/// The settings of a server, for a command beside it.
fn beside(app: &TestApp) -> BTreeMap<String, String> {
    settings(app.database.url(), &app.n8n.url())
}

/// Runs a command that prints JSON; answers its exit code and what it printed.
async fn json(settings: &BTreeMap<String, String>, arguments: &[&str]) -> (i32, Value) {
    let ended = run(settings, arguments).await;
    let printed = serde_json::from_slice(&ended.stdout);
    let printed = printed.unwrap_or_else(|error| panic!("{error}: {}", text(&ended.stderr)));
    (ended.status.code().unwrap(), printed)
}
