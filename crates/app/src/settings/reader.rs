//! Reads settings and collects everything that is wrong with them.

use std::fmt;

use super::kind::Kind;
use super::layers::{Layers, Origin};
use super::variables::{Entry, Variable};

/// How much of a bad value is shown.
const SHOWN: usize = 80;

/// One setting with a bad value. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable.
    pub name: String,
    line: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Everything that is wrong with the settings; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Reads the layers, setting by setting.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers, problems: Vec::new() }
    }

    /// The value of a setting that has a default; `None` when it is bad, which has been noted.
    pub(super) fn required<K: Kind>(&mut self, variable: &Variable<K>) -> Option<K::Value> {
        match self.layers.find(variable.name) {
            Some((text, _)) => self.parse(variable, text),
            None => self.parse(variable, variable.default.unwrap_or_default()),
        }
    }

    /// The value of a setting that may be absent; `None` also when it is bad, which has been noted.
    pub(super) fn optional<K: Kind>(&mut self, variable: &Variable<K>) -> Option<K::Value> {
        let (text, _) = self.layers.find(variable.name)?;
        self.parse(variable, text)
    }

    fn parse<K: Kind>(&mut self, variable: &Variable<K>, text: &str) -> Option<K::Value> {
        match variable.kind.parse(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let reason =
                    reason.filter(|_| !K::SECRET).map(|reason| format!(" ({reason})")).unwrap_or_default();
                let takes = format!("{}{reason}", variable.kind.takes());
                self.note(variable, text, &takes);
                None
            }
        }
    }

    /// Notes that the setting's present value can't be, though it is of its kind.
    pub(super) fn refuse(&mut self, variable: &dyn Entry, takes: &str) {
        let text = self.layers.find(variable.name()).map(|(text, _)| text).or(variable.default());
        self.note(variable, text.unwrap_or_default(), takes);
    }

    /// Notes a name that is no setting, though it looks like one.
    pub(super) fn refuse_name(&mut self, name: &str, takes: &str) {
        self.problems.push(Problem { name: name.to_owned(), line: format!("{name} is no setting: {takes}") });
    }

    fn note(&mut self, variable: &dyn Entry, text: &str, takes: &str) {
        let name = variable.name();
        let value = if text.is_empty() {
            "is not set".to_owned()
        } else if variable.is_secret() {
            "has a bad value (not shown, it is a secret)".to_owned()
        } else {
            // Quoted, so that a line break in it makes no second line.
            let shown: String = variable.shown(text).chars().take(SHOWN).collect();
            format!("has the bad value {shown:?}")
        };
        let line = format!("{name} {value}: it takes {takes}").replace('\n', " ");
        self.problems.push(Problem { name: name.to_owned(), line });
    }

    pub(super) fn layers(&self) -> &'a Layers {
        self.layers
    }

    /// Who gave a setting its value.
    pub(super) fn origin(&self, variable: &dyn Entry) -> Origin {
        let unset = if variable.default().is_some() { Origin::Default } else { Origin::Unset };
        self.layers.find(variable.name()).map_or(unset, |(_, origin)| origin)
    }

    /// What was wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
