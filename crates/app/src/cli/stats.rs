//! `outbound stats`.

use clap::Args;
use domain::access::Scope;
use domain::ports::{MessageReader as _, RunStore as _};
use http_api::present::{self, StatsFacts};
use serde_json::Value;

use super::data::Data;
use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::settings::Layers;

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound stats
  outbound stats --json | jq '.byStatus.FAILED'
  watch -n 5 outbound stats

The JSON is that of GET /api/outbound/stats. Limits, quiet hours and where messages go are those of the server that
started last.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    let data = Data::open(layers, data_dir).await?;
    let read = read(&data).await;
    data.close().await?;
    let value = read?;
    if options.json {
        say(&serde_json::to_string_pretty(&value).map_err(anyhow::Error::from)?);
    } else {
        say(&as_text(&value));
    }
    Ok(())
}

async fn read(data: &Data) -> anyhow::Result<Value> {
    let (store, rules) = (&data.storage.store, &data.in_force.rules);
    let now = data.deps().clock.now();
    let stats = store.stats(&Scope::everything(), &rules.limits, now).await?;
    let facts = StatsFacts {
        now,
        stats: &stats,
        rules,
        circuit: store.circuit().await?.circuit,
        webhook_enabled: data.in_force.has_gateway(),
        simulator: data.in_force.is_simulated(),
    };
    Ok(present::stats(&facts)?)
}

/// The same values as in the JSON, a line each, named by their path: nothing is said in two ways.
fn as_text(value: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", value, &mut lines);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): &(String, String)| format!("{name:width$}  {value}");
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, lines)),
        Value::Array(items) if items.is_empty() => lines.push((path.to_owned(), "-".to_owned())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| flatten(&below(&at.to_string()), item, lines));
        }
        Value::Null => lines.push((path.to_owned(), "-".to_owned())),
        Value::String(text) => lines.push((path.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => lines.push((path.to_owned(), value.to_string())),
    }
}
