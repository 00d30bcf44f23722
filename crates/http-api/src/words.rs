//! Closed word lists and other scalars on the wire, with their schemas.

use std::borrow::Cow;
use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::audit::AuditAction;
use domain::channel::Channel;
use domain::job::JobStatus;
use domain::message::{EntryKind, FailureKind, Priority, SkipReason, Status};
use domain::policy::circuit::CircuitLabel;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::worker::run::RunMode;

/// A closed word list of the domain.
pub(crate) trait Vocabulary: Copy + 'static {
    /// What the schema calls it.
    const NAME: &'static str;
    /// Its words.
    fn words() -> Vec<&'static str>;
}

macro_rules! vocabularies {
    ($($name:ident as $word:ident,)+) => {$(
        #[doc = concat!("A word of [`", stringify!($name), "`]; an alias, as the schema macros know no generics.")]
        pub(crate) type $word = Word<$name>;

        impl Vocabulary for $name {
            const NAME: &'static str = stringify!($name);
            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        }
    )+};
}

vocabularies! {
    Channel as ChannelWord,
    Priority as PriorityWord,
    Status as StatusWord,
    FailureKind as FailureKindWord,
    SkipReason as SkipReasonWord,
    EntryKind as EntryKindWord,
    JobStatus as JobStatusWord,
    CircuitLabel as CircuitWord,
    RunMode as RunModeWord,
    AuditAction as AuditActionWord,
}

/// A word that a client sent, not yet known to be one of the list: [`crate::fields::Fields::word`] reads it, so that a
/// wrong one is reported together with all else that is wrong.
pub(crate) struct Word<T> {
    text: String,
    list: PhantomData<T>,
}

impl<T> Word<T> {
    /// As it was sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl<'de, T> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { text: String::deserialize(deserializer)?, list: PhantomData })
    }
}

impl<T: Vocabulary> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(T::words())).into()
    }
}

impl<T: Vocabulary> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

/// An id that this system made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) Uuid);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Id {}

/// A point in time: RFC 3339 in UTC, with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Time {}
