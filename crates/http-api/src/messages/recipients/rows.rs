//! Rows of a request, each read on its own.

use std::borrow::Cow;
use std::fmt;

use domain::usecase::create::MAX_RECIPIENTS;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::RecipientForm;
use crate::error::ApiError;
use crate::extract::Strict;
use crate::fields::Fields;

/// The rows as far as they were read: one that is wrong in its shape does not spoil the others, and those beyond
/// [`MAX_RECIPIENTS`] are only counted.
pub(crate) struct Rows {
    rows: Vec<Result<RecipientForm, ApiError>>,
    count: usize,
}

impl Rows {
    /// The rows; none, with a problem noted, where there are too few or too many.
    pub(crate) fn checked(self, fields: &mut Fields) -> Vec<Result<RecipientForm, ApiError>> {
        if self.count == 0 || self.count > MAX_RECIPIENTS {
            fields.wrong(
                "recipients",
                format!("must have 1 to {MAX_RECIPIENTS} entries, and has {}", self.count),
            );
            return Vec::new();
        }
        self.rows
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of recipients")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Rows, A::Error> {
        let mut rows = Vec::new();
        while rows.len() < MAX_RECIPIENTS {
            let Some(value) = entries.next_element::<Value>()? else {
                return Ok(Rows { count: rows.len(), rows });
            };
            rows.push(row(value));
        }
        let mut count = rows.len();
        while entries.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Rows { rows, count })
    }
}

/// One row, or what is wrong with its shape.
pub(crate) fn row<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    match serde_path_to_error::deserialize::<_, Strict<T>>(value) {
        Ok(Strict(form)) => Ok(form),
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            Err(ApiError::field(path, error.inner().to_string().chars().take(200).collect::<String>()))
        }
    }
}

impl PartialSchema for Rows {
    fn schema() -> RefOr<Schema> {
        Vec::<RecipientForm>::schema()
    }
}

impl ToSchema for Rows {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Recipients")
    }
}
