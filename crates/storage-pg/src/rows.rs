//! Rows, and the one way from them to the domain's values.
//!
//! The CHECKs of the tables mirror the domain's types; a row that still makes no sense is [`StoreError::Corrupt`].

pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod event;

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::dsl::SqlTypeOf;
use diesel::sql_types;
use domain::message::{Message, Standing};
use domain::ports::StoreError;
use uuid::Uuid;

use self::content::ContentRow;
use self::delivery::DeliveryRow;

/// The columns of a whole message, in the order of [`MessageRow`].
pub(crate) const MESSAGE_COLUMNS: (content::Columns, delivery::Columns) =
    (content::COLUMNS, delivery::COLUMNS);

/// The SQL type of a row with a whole message.
pub(crate) type MessageSql = (SqlTypeOf<content::Columns>, SqlTypeOf<delivery::Columns>);

/// A whole message as it is stored.
pub(crate) type MessageRow = (ContentRow, DeliveryRow);

/// The SQL type of a row of where a message stands.
pub(crate) type StandingSql =
    ((sql_types::Uuid, sql_types::Text, sql_types::Timestamptz), SqlTypeOf<delivery::Columns>);

/// Where a message stands: its id, its channel, when it was created, and the rest.
pub(crate) type StandingRow = ((Uuid, String, DateTime<Utc>), DeliveryRow);

/// The domain's message.
pub(crate) fn message((content, delivery): MessageRow) -> Result<Message, StoreError> {
    let (id, created_at) = (content.id, content.created_at);
    delivery.into_message(id, created_at, content.try_into())
}

/// The domain's message, without what is sent.
pub(crate) fn standing(((id, channel, created_at), delivery): StandingRow) -> Result<Standing, StoreError> {
    delivery.into_message(id, created_at, read("channel", &channel))
}

/// The domain's messages.
pub(crate) fn messages(rows: Vec<MessageRow>) -> Result<Vec<Message>, StoreError> {
    rows.into_iter().map(message).collect()
}

/// Names the columns of a table that a row struct holds, in its order.
macro_rules! columns {
    ($table:ident: $($column:ident),+ $(,)?) => {
        /// The columns, in the order of the row's fields.
        pub(crate) type Columns = ($(crate::schema::$table::$column,)+);
        /// The columns, in the order of the row's fields.
        pub(crate) const COLUMNS: Columns = ($(crate::schema::$table::$column,)+);
    };
}
pub(crate) use columns;

/// A value that the domain can't read.
pub(crate) fn corrupt(what: &str, why: impl Display) -> StoreError {
    StoreError::Corrupt(format!("{what}: {why}"))
}

/// Reads a stored word or id.
pub(crate) fn read<T: FromStr<Err: Display>>(what: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| corrupt(what, error))
}

/// Reads a stored word or id, where there is one.
pub(crate) fn read_option<T: FromStr<Err: Display>>(
    what: &str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| read(what, text)).transpose()
}

/// A count, which no column lets be negative.
pub(crate) fn count(what: &str, number: impl TryInto<u32, Error: Display>) -> Result<u32, StoreError> {
    number.try_into().map_err(|error| corrupt(what, error))
}

/// A count as a column holds it.
pub(crate) fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
