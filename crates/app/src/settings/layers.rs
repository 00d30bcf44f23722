//! Where a setting's value comes from.

use std::collections::BTreeMap;
use std::fmt;

/// What gave a setting its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An option such as `--bind`.
    CommandLine,
    /// An environment variable.
    Environment,
    /// Made by the server and kept with the private PostgreSQL's data.
    Generated,
    /// Chosen by `serve --demo`.
    Demo,
    /// What the running server left in the database.
    Server,
    /// The default.
    Default,
    /// Nothing did.
    Unset,
}

impl Origin {
    /// The word that lists show.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "option",
            Self::Environment => "environment",
            Self::Generated => "generated",
            Self::Demo => "demo",
            Self::Server => "server",
            Self::Default => "default",
            Self::Unset => "unset",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Names and texts of settings.
pub type Values = BTreeMap<String, String>;

/// Values by origin; an earlier layer wins. An empty value counts as none, as `NAME=` in a file means.
#[derive(Clone, Default)]
pub struct Layers(Vec<(Origin, Values)>);

impl Layers {
    /// With the environment alone.
    pub fn environment(values: Values) -> Self {
        Self::default().below(Origin::Environment, values)
    }

    /// Adds a layer that all present ones win over.
    #[must_use]
    pub fn below(mut self, origin: Origin, values: Values) -> Self {
        self.0.push((origin, values));
        self
    }

    /// Adds a layer that wins over all present ones.
    #[must_use]
    pub fn above(mut self, origin: Origin, values: Values) -> Self {
        self.0.insert(0, (origin, values));
        self
    }

    /// The text of a setting, without white space around it, and who gave it.
    pub fn find(&self, name: &str) -> Option<(&str, Origin)> {
        self.0.iter().find_map(|(origin, values)| {
            let text = values.get(name)?.trim();
            (!text.is_empty()).then_some((text, *origin))
        })
    }

    /// Whether a setting has a value of its own.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The names that are given in any layer.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|(_, values)| values.keys().map(String::as_str))
    }
}

impl fmt::Debug for Layers {
    /// Without values: there are secrets among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(origin, values)| (origin, values.len()))).finish()
    }
}
