//! The settings as people see them: `outbound config` and `.env.example`.

use std::fmt::Write as _;

use serde::Serialize;

use super::layers::{Layers, Origin};
use super::variables::TABLE;

/// One setting with its present value, masked where it must be.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// The environment variable.
    pub name: &'static str,
    /// Its value as it may be shown; `None` when there is none.
    pub value: Option<String>,
    /// Who gave it.
    #[serde(serialize_with = "as_word")]
    pub source: Origin,
    /// Whether it is a secret.
    pub secret: bool,
    /// The default, if any.
    pub default: Option<&'static str>,
    /// What it takes.
    pub takes: String,
    /// What it does.
    pub doc: &'static str,
}

fn as_word<S: serde::Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(origin.as_str())
}

/// Every setting with its value and source.
pub fn show(layers: &Layers) -> Vec<Shown> {
    TABLE
        .iter()
        .map(|entry| {
            let unset = entry.default().map_or(Origin::Unset, |_| Origin::Default);
            let (text, source) = layers
                .find(entry.name())
                .map_or((entry.default(), unset), |(text, origin)| (Some(text), origin));
            Shown {
                name: entry.name(),
                value: text.map(|text| entry.shown(text)),
                source,
                secret: entry.is_secret(),
                default: entry.default(),
                takes: entry.takes(),
                doc: entry.doc(),
            }
        })
        .collect()
}

/// The list as a table for a terminal.
pub fn as_table(shown: &[Shown]) -> String {
    let value = |one: &Shown| one.value.clone().unwrap_or_else(|| "-".to_owned());
    let name_width = shown.iter().map(|one| one.name.len()).max().unwrap_or_default();
    let value_width = shown.iter().map(|one| value(one).chars().count().min(48)).max().unwrap_or_default();
    let mut text = String::new();
    for one in shown {
        let _ = writeln!(text, "{:name_width$}  {:value_width$}  {}", one.name, value(one), one.source);
    }
    text
}

/// The text of `.env.example`.
pub fn example() -> String {
    let mut text = String::from(
        "# The settings of Outbound. Each line shows the default; take the # away to set it. Empty counts as not set.\n\
         # `outbound config` prints what is in force; this file is `outbound config --example`.\n",
    );
    let mut section = "";
    for entry in TABLE {
        if entry.section() != section {
            section = entry.section();
            let _ = write!(text, "\n## {section}\n");
        }
        let _ = writeln!(text, "\n# {}\n# Takes {}.", entry.doc(), entry.takes());
        let _ = writeln!(text, "#{}={}", entry.name(), entry.default().unwrap_or_default());
    }
    text
}
