//! Turning a DTO's texts into the domain's types, with every bad field named at once.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use crate::error::{ApiError, FieldProblem};
use crate::words::Word;

/// Gathers what is wrong with a request.
#[derive(Default)]
pub(crate) struct Fields {
    problems: Vec<FieldProblem>,
}

impl Fields {
    /// Notes that something is wrong.
    pub(crate) fn wrong(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(FieldProblem::new(path, reason));
    }

    /// Reads a text as `T`, where there is one.
    pub(crate) fn parse<T>(&mut self, path: impl Into<String>, text: Option<&str>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(path, error.to_string());
                None
            }
        }
    }

    /// The same for a query's parameter, where empty means that it is not there.
    pub(crate) fn parameter<T>(&mut self, name: &str, value: &Option<String>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.parse(name, value.as_deref().filter(|value| !value.is_empty()))
    }

    /// One word of a closed list, where there is one.
    pub(crate) fn word<T>(&mut self, path: impl Into<String>, word: Option<&Word<T>>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.parse(path, word.map(Word::as_str))
    }

    /// A value that must be there; call it on what was given, before it was read, so that each field is named once.
    pub(crate) fn required<T>(&mut self, path: impl Into<String>, given: Option<T>) -> Option<T> {
        if given.is_none() {
            self.wrong(path, "is required");
        }
        given
    }

    /// A point in time in RFC 3339, where there is one.
    pub(crate) fn time(&mut self, path: impl Into<String>, text: Option<&str>) -> Option<DateTime<Utc>> {
        match DateTime::parse_from_rfc3339(text?) {
            Ok(time) => Some(time.to_utc()),
            Err(error) => {
                self.wrong(path, format!("must be an RFC 3339 time such as 2026-05-04T09:30:00Z: {error}"));
                None
            }
        }
    }

    /// A day `YYYY-MM-DD`.
    pub(crate) fn day(&mut self, path: &str, text: &str) -> Option<NaiveDate> {
        // Read alone, a year may have a sign.
        let is_shaped = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = Some(text).filter(|_| is_shaped).and_then(|text| text.parse().ok());
        if day.is_none() {
            self.wrong(path, "must be a day YYYY-MM-DD");
        }
        day
    }

    /// A size: at least 1, cut to `max`, `default` where there is none.
    pub(crate) fn size(&mut self, path: &str, given: Option<u64>, default: u32, max: u32) -> u32 {
        match given {
            None => default.min(max),
            Some(0) => {
                self.wrong(path, "must be at least 1");
                default
            }
            Some(size) => u32::try_from(size).unwrap_or(u32::MAX).min(max),
        }
    }

    /// A whole number from 1 on in a query; one that is too large for 32 bits is cut.
    pub(crate) fn count_parameter(&mut self, name: &str, value: &Option<String>) -> Option<u32> {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        let number = value.trim_start_matches('0');
        if !digits || number.is_empty() {
            self.wrong(name, "must be a whole number from 1 on");
            return None;
        }
        Some(number.parse().unwrap_or(u32::MAX))
    }

    /// A text to search for, where there is one: not too long, and no control characters.
    pub(crate) fn search(&mut self, name: &str, value: &Option<String>) -> Option<String> {
        const MAX: usize = 200;
        let text = value.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        if text.chars().count() > MAX || text.chars().any(char::is_control) {
            self.wrong(name, format!("must have at most {MAX} characters and no control characters"));
            return None;
        }
        Some(domain::text::nfc(text))
    }

    /// A text that is compared as it is, where there is one: not too long, and no control characters, which no
    /// database takes.
    pub(crate) fn plain(&mut self, name: &str, value: &Option<String>, max: usize) -> Option<String> {
        let text = value.as_deref().filter(|text| !text.is_empty())?;
        if text.chars().count() > max || text.chars().any(char::is_control) {
            self.wrong(name, format!("must have at most {max} characters and no control characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Everything that is wrong.
    pub(crate) fn into_problems(self) -> Vec<FieldProblem> {
        self.problems
    }

    /// The value, unless something was wrong; then every problem.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            Some(_) | None => Err(ApiError::Validation(self.problems)),
        }
    }
}
