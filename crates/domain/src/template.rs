//! Message templates with variables `{{ name }}` (contract §8, §9).
//!
//! There is nothing else in the language: no loop, no condition, no call.
//!
//! ```
//! use domain::template::TemplateBody;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = TemplateBody::parse("Chào {{ full_name }}, lớp học lúc {{ time }}.")?;
//! assert_eq!(body.variables(), ["full_name", "time"]);
//! let known = |name: &str| (name == "full_name").then_some("chị Lan");
//! assert_eq!(body.render(known).unwrap_err().names(), ["time"], "no half-filled text is ever sent");
//! assert_eq!(body.fill(known).text, "Chào chị Lan, lớp học lúc {{ time }}.", "a preview shows it");
//! assert!(TemplateBody::parse("Chào {{ tên }}").unwrap_err().to_string().contains("line 1, character 6"));
//! # Ok(()) }
//! ```

use std::fmt;
use std::str::FromStr;

use crate::ids::{MAX_TEXT_ID, TemplateKey};
use crate::text::{nfc, shows};

/// The longest template body, in characters of its NFC form.
pub const MAX_BODY: usize = 4_000;

/// A place in a template, for people: both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub character: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, character {}", self.line, self.character)
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Blank,
    /// Longer than [`MAX_BODY`]; its length in characters.
    #[error("the text has {0} characters: at most {MAX_BODY}")]
    TooLong(usize),
    /// A NUL character.
    #[error("a NUL character at {0}")]
    Nul(Place),
    /// `{{` without its `}}`.
    #[error("`{{{{` at {0} is never closed")]
    Unclosed(Place),
    /// `}}` without its `{{`.
    #[error("`}}}}` at {0} closes nothing")]
    Stray(Place),
    /// Nothing between `{{` and `}}`.
    #[error("`{{{{ }}}}` at {0} names no variable")]
    NoName(Place),
    /// No name of a variable between `{{` and `}}`.
    #[error(
        "`{name}` at {place} is no variable: a name begins with a letter (A-Z, a-z) and has letters, digits, `_` and `.`"
    )]
    BadName {
        /// What was there, at most 40 characters of it.
        name: String,
        /// Where its `{{` is.
        place: Place,
    },
}

/// A text that can't be the key of a new template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_TEXT_ID} of the characters a-z, 0-9, `_`, `.` and `-`")]
pub struct BadKey;

/// A key for a new template: 1 to 64 of `a-z`, `0-9`, `_`, `.` and `-`, so that it reads the same everywhere and can
/// stand in a path.
///
/// # Errors
/// [`BadKey`] for everything else.
pub fn new_key(text: &str) -> Result<TemplateKey, BadKey> {
    let sane = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
        // A path of dots alone is resolved away by browsers.
        && text.bytes().any(|b| b != b'.');
    TemplateKey::parse(text).ok().filter(|_| sane).ok_or(BadKey)
}

/// The longest title of a template, in characters.
pub const MAX_TITLE: usize = 200;

/// A text that can't be the title of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTitle {
    /// Nothing but white space.
    #[error("must not be empty")]
    Blank,
    /// Longer than [`MAX_TITLE`].
    #[error("must have at most {MAX_TITLE} characters")]
    TooLong,
    /// Control characters, line breaks among them.
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// What people call a template: one line of 1 to [`MAX_TITLE`] characters, in NFC form.
///
/// # Errors
/// [`BadTitle`] for everything else.
pub fn new_title(text: &str) -> Result<String, BadTitle> {
    let title = nfc(text.trim());
    if title.is_empty() {
        Err(BadTitle::Blank)
    } else if title.chars().count() > MAX_TITLE {
        Err(BadTitle::TooLong)
    } else if title.chars().any(char::is_control) {
        Err(BadTitle::ControlCharacter)
    } else {
        Ok(title)
    }
}

/// The variables that had no value when a template was rendered, in order of first use, each once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no value for {}", .0.join(", "))]
pub struct MissingVariables(Vec<String>);

impl MissingVariables {
    /// Their names; at least one.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

/// A text of which some variables may have no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text; what has no value is still a variable in it.
    pub text: String,
    /// The variables that have no value, in order of first use, each once.
    pub missing: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Its index among the variables.
    Variable(usize),
}

/// The parsed body of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateBody {
    source: String,
    pieces: Vec<Piece>,
    variables: Vec<String>,
}

impl TemplateBody {
    /// Reads a body: text with variables `{{ name }}`, white space within the braces being optional. A single `{` or
    /// `}` is text. The body is kept in NFC form.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let source = nfc(text);
        let length = source.chars().count();
        if length > MAX_BODY {
            return Err(TemplateError::TooLong(length));
        }
        if let Some(at) = source.find('\0') {
            return Err(TemplateError::Nul(place(&source, at)));
        }
        if !shows(&source) {
            return Err(TemplateError::Blank);
        }
        let mut body = Self { source: String::new(), pieces: Vec::new(), variables: Vec::new() };
        let mut rest = source.as_str();
        loop {
            let here = |offset: usize| place(&source, source.len() - rest.len() + offset);
            let (text, inside) = match rest.split_once("{{") {
                Some((text, inside)) => (text, Some(inside)),
                None => (rest, None),
            };
            if let Some(at) = text.find("}}") {
                return Err(TemplateError::Stray(here(at)));
            }
            if !text.is_empty() {
                body.pieces.push(Piece::Text(text.to_owned()));
            }
            let Some(inside) = inside else { break };
            let opened = here(text.len());
            let (name, after) = match inside.split_once("}}") {
                Some((name, after)) if !name.contains("{{") => (name.trim(), after),
                Some(_) | None => return Err(TemplateError::Unclosed(opened)),
            };
            if name.is_empty() {
                return Err(TemplateError::NoName(opened));
            }
            if !is_name(name) {
                let name = name.chars().take(40).collect();
                return Err(TemplateError::BadName { name, place: opened });
            }
            body.use_variable(name);
            rest = after;
        }
        body.source = source;
        Ok(body)
    }

    fn use_variable(&mut self, name: &str) {
        let known = self.variables.iter().position(|one| one == name);
        let index = known.unwrap_or(self.variables.len());
        if known.is_none() {
            self.variables.push(name.to_owned());
        }
        self.pieces.push(Piece::Variable(index));
    }

    /// The body as it was written, in NFC form.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of its variables, in order of first use, each once.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The text with each variable's value in its place. `lookup` is asked once for each variable. Values go in as
    /// they are: a value that contains `{{ x }}` is not looked into. The result is in NFC form.
    ///
    /// # Errors
    /// [`MissingVariables`] names all variables that have no value, or one that shows as nothing (white space).
    pub fn render<V: AsRef<str>>(
        &self,
        lookup: impl FnMut(&str) -> Option<V>,
    ) -> Result<String, MissingVariables> {
        let Filled { text, missing } = self.fill(lookup);
        if missing.is_empty() { Ok(text) } else { Err(MissingVariables(missing)) }
    }

    /// As [`TemplateBody::render`], but a variable without a value stays in the text, as `{{ name }}`.
    pub fn fill<V: AsRef<str>>(&self, mut lookup: impl FnMut(&str) -> Option<V>) -> Filled {
        let values: Vec<_> = self
            .variables
            .iter()
            .map(|name| (name, lookup(name).filter(|value| shows(value.as_ref()))))
            .collect();
        let missing = values.iter().filter(|(_, value)| value.is_none());
        let missing = missing.map(|(name, _)| (*name).clone()).collect();
        let mut text = String::with_capacity(self.source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Variable(index) => match values.get(*index) {
                    Some((_, Some(value))) => text.push_str(value.as_ref()),
                    Some((name, None)) => text.push_str(&format!("{{{{ {name} }}}}")),
                    None => {}
                },
            }
        }
        Filled { text: nfc(&text), missing }
    }
}

impl FromStr for TemplateBody {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// The place of a byte offset that lies on a character's boundary.
fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() + 1,
        character: before.chars().count() - before.get(..line_start).unwrap_or("").chars().count() + 1,
    }
}

#[cfg(test)]
mod tests;
