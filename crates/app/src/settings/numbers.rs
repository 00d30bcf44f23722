//! Settings that are numbers.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::kind::{Kind, Reason};

/// A whole number between two others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    min: u32,
    max: u32,
    /// What the lowest one means, such as "0 for none".
    lowest: Option<&'static str>,
}

impl Whole {
    pub(crate) const fn new(min: u32, max: u32) -> Self {
        Self { min, max, lowest: None }
    }

    pub(crate) const fn zero_is(meaning: &'static str, max: u32) -> Self {
        Self { min: 0, max, lowest: Some(meaning) }
    }
}

impl Kind for Whole {
    type Value = u32;

    fn takes(&self) -> String {
        let meaning = self.lowest.map(|meaning| format!("; {meaning}")).unwrap_or_default();
        format!("a whole number from {} to {}{meaning}", self.min, self.max)
    }

    fn parse(&self, text: &str) -> Result<u32, Reason> {
        // Rust's own parser also takes a sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (self.min..=self.max).contains(number));
        number.ok_or(None)
    }
}

/// A number of whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Whole);

impl Kind for Seconds {
    type Value = TimeDelta;

    fn takes(&self) -> String {
        self.0.takes().replacen("a whole number", "whole seconds", 1)
    }

    fn parse(&self, text: &str) -> Result<TimeDelta, Reason> {
        self.0.parse(text).map(|seconds| TimeDelta::seconds(i64::from(seconds)))
    }
}

/// A part of a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share;

impl Kind for Share {
    type Value = f64;

    fn takes(&self) -> String {
        "a number from 0 to 1, such as 0.05".to_owned()
    }

    fn parse(&self, text: &str) -> Result<f64, Reason> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or(None)
    }
}

/// How many in a second, or `off`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PerSecond;

impl PerSecond {
    const RANGE: Whole = Whole::new(1, 10_000);
}

impl Kind for PerSecond {
    type Value = Option<NonZeroU32>;

    fn takes(&self) -> String {
        format!("{}, or off", Self::RANGE.takes())
    }

    fn parse(&self, text: &str) -> Result<Self::Value, Reason> {
        if text.eq_ignore_ascii_case("off") || text == "0" {
            return Ok(None);
        }
        Self::RANGE.parse(text).map(NonZeroU32::new)
    }
}
