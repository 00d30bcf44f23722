//! Fields of a request of which one is needed, or which exclude each other: no type says so.

use serde_json::{Map, Value, json};

/// The ways to name one recipient.
const RECIPIENT: &[&str] = &["leadId", "studentId", "to"];

pub(super) fn complete(schemas: &mut Map<String, Value>) {
    let rules = [
        ("CreateMessage", vec![exactly_one(&["templateKey", "text"]), at_least_one(RECIPIENT)]),
        ("CreateMessages", vec![exactly_one(&["templateKey", "text"])]),
        ("CreateJob", vec![exactly_one(&["templateKey", "text"]), one_recipient_or("recipients")]),
    ];
    for (name, rules) in rules {
        if let Some(schema) = schemas.get_mut(name).and_then(Value::as_object_mut) {
            schema.insert("allOf".to_owned(), Value::Array(rules));
        }
    }
}

/// The field is there, and not null.
fn given(field: &str) -> Value {
    json!({"required": [field], "properties": {field: {"not": {"type": "null"}}}})
}

/// The field is not there, or null.
fn absent(field: &str) -> Value {
    json!({"properties": {field: {"type": "null"}}})
}

fn at_least_one(fields: &[&str]) -> Value {
    json!({"anyOf": fields.iter().map(|field| given(field)).collect::<Vec<_>>()})
}

fn exactly_one(fields: &[&str]) -> Value {
    json!({"oneOf": fields.iter().map(|field| given(field)).collect::<Vec<_>>()})
}

fn one_recipient_or(list: &str) -> Value {
    let mut alone = vec![given(list)];
    alone.extend(RECIPIENT.iter().map(|field| absent(field)));
    json!({"oneOf": [{"allOf": alone}, {"allOf": [absent(list), at_least_one(RECIPIENT)]}]})
}
