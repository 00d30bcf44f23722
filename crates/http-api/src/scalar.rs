//! Texts that clients send as numbers: N8N's expressions and a CRM's amounts know no difference.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A text, or a number or true or false in its place, which is then taken as it is written in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsText)
    }
}

struct AsText;

impl Visitor<'_> for AsText {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar(text))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
}

impl PartialSchema for Scalar {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
        ObjectBuilder::new().schema_type(types).into()
    }
}

impl ToSchema for Scalar {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Scalar")
    }
}

/// Values for a template's variables, by name. One that is null is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Values(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, Option<Scalar>>::deserialize(deserializer)?;
        Ok(Self(given.into_iter().filter_map(|(name, value)| Some((name, value?.0))).collect()))
    }
}

impl PartialSchema for Values {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean, Type::Null]);
        let value = ObjectBuilder::new().schema_type(types);
        ObjectBuilder::new()
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(value.into()))))
            .into()
    }
}

impl ToSchema for Values {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truths_are_taken_as_they_are_written_and_null_is_not_given() {
        let json = r#"{"a":"x","b":1500000,"c":-2.5,"d":true,"e":null,"f":"","g":18446744073709551615}"#;
        let Values(values) = serde_json::from_str(json).unwrap();
        let expected = [
            ("a", "x"),
            ("b", "1500000"),
            ("c", "-2.5"),
            ("d", "true"),
            ("f", ""),
            ("g", "18446744073709551615"),
        ];
        assert_eq!(values, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        for wrong in [r#"{"a":[]}"#, r#"{"a":{}}"#, "[]", "7"] {
            assert!(serde_json::from_str::<Values>(wrong).is_err(), "{wrong}");
        }
    }
}
