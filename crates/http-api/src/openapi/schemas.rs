//! What is said of every schema, by rule.

use std::collections::BTreeSet;

use domain::ids::MAX_TEXT_ID;
use serde_json::{Map, Value, json};

/// The codes of errors (contract §9).
pub(crate) const CODES: [&str; 15] = [
    "VALIDATION_ERROR",
    "AUTH_MISSING_BEARER",
    "AUTH_INVALID_TOKEN",
    "AUTH_FORBIDDEN",
    "AUTH_MISSING_SERVICE_TOKEN",
    "AUTH_INVALID_SERVICE_TOKEN",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "CONFLICT",
    "IDEMPOTENCY_CONFLICT",
    "PAYLOAD_TOO_LARGE",
    "REQUEST_TIMEOUT",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "UNAVAILABLE",
];
/// The schemas whose `code` is one of those.
const WITH_CODE: [&str; 3] = ["ErrorView", "ItemError", "RejectedRow"];
/// Ids of the CRM and of N8N: opaque text (contract §1).
const TEXT_IDS: [&str; 10] = [
    "leadId",
    "studentId",
    "notificationId",
    "ownerId",
    "branchId",
    "suggestionId",
    "taskId",
    "actionKey",
    "runId",
    "templateKey",
];
/// Lists whose items are each taken or refused on their own: a bad one is named in the answer.
const EACH_ON_ITS_OWN: [(&str, &str); 3] =
    [("CreateJob", "recipients"), ("CreateMessages", "recipients"), ("PushContacts", "contacts")];
/// What an answer leaves out where there is nothing to say. All else is always there, null where it is empty.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("CreatedMessage", "reason"),
    ("CreatedMessage", "simulator"),
    ("CreatedMessages", "jobId"),
    ("ErrorView", "details"),
    ("ExplanationView", "expectedAt"),
    ("Forecast", "expectedAt"),
    ("Health", "simulator"),
    ("ItemAnswer", "error"),
    ("JobDetail", "simulator"),
    ("JobList", "simulator"),
    ("ManagedMessage", "simulator"),
    ("ManyAnswer", "simulator"),
    ("MessageAdvice", "expectedAt"),
    ("MessageDetail", "simulator"),
    ("MessageList", "simulator"),
    ("NoticeView", "until"),
    ("OneAnswer", "reason"),
    ("OneAnswer", "simulator"),
    ("ParcelView", "callbackUrl"),
    ("PreviewView", "sms"),
    ("QuietHoursView", "endsAt"),
    ("ReportView", "messages"),
    ("ReportView", "simulator"),
    ("ReportView", "warnings"),
    ("UpdatedJob", "simulator"),
];

pub(super) fn complete(document: &mut Value) {
    let asked = reachable(document, "requestBody");
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, schema) in schemas.iter_mut() {
        match schema.get_mut("properties").and_then(Value::as_object_mut) {
            None => {}
            Some(properties) => properties.iter_mut().for_each(|(name, property)| limit_id(name, property)),
        }
        if asked.contains(name) {
            required_is_not_null(schema);
        } else {
            always_there(name, schema);
        }
        for (_, list) in EACH_ON_ITS_OWN.iter().filter(|(of, _)| of == name) {
            each_on_its_own(schema.pointer_mut(&format!("/properties/{list}")));
        }
        if WITH_CODE.contains(&name.as_str())
            && let Some(code) = schema.pointer_mut("/properties/code").and_then(Value::as_object_mut)
        {
            code.insert("enum".to_owned(), json!(CODES));
        }
    }
    super::choices::complete(schemas);
}

/// The schemas that what is under `key` of any operation leads to.
fn reachable(document: &Value, key: &str) -> BTreeSet<String> {
    let operations = document.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let operations = operations.filter_map(Value::as_object).flat_map(Map::values);
    let mut open: Vec<String> = operations.filter_map(|one| one.get(key)).flat_map(references).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        let schema = document.pointer("/components/schemas").and_then(|schemas| schemas.get(&name));
        if found.insert(name) {
            open.extend(schema.into_iter().flat_map(references));
        }
    }
    found
}

/// The names of the schemas that are referred to within a value.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(to) if key == "$ref" => to.rsplit('/').next().map(str::to_owned).into_iter().collect(),
                Some(_) | None => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// A field of a request that is required must not be null either.
fn required_is_not_null(schema: &mut Value) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let required = required.iter().filter_map(Value::as_str);
    required.for_each(|name| properties.get_mut(name).into_iter().for_each(never_null));
}

/// A field of an answer is always there, or, where it may be left out, never null.
fn always_there(name: &str, schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for part in object.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        always_there(name, part);
        may_be_left_out(part);
    }
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let mut required = Vec::new();
    for (property, schema) in properties {
        if LEFT_OUT.contains(&(name, property.as_str())) {
            never_null(schema);
        } else {
            required.push(property.clone());
        }
    }
    object.insert("required".to_owned(), json!(required));
}

/// Items of the list are of this shape, or else refused without the request being wrong.
pub(super) fn each_on_its_own(list: Option<&mut Value>) {
    if let Some(items) = list.and_then(|list| list.get_mut("items")) {
        *items = json!({"anyOf": [items.take(), {"description": "Anything else is named in the answer"}]});
    }
}

/// The fields of an optional part are among the object's own, all of them or none: null can't be meant.
fn may_be_left_out(part: &mut Value) {
    let Some(object) = part.as_object_mut() else { return };
    if let Some(Value::Array(mut choices)) = object.remove("oneOf") {
        for choice in choices.iter_mut().filter(|one| one.get("type").is_some_and(|kind| kind == "null")) {
            *choice = json!({"type": "object"});
        }
        object.insert("anyOf".to_owned(), Value::Array(choices));
    }
}

/// Takes null out of what a schema allows.
pub(super) fn never_null(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get("type") {
        let kept: Vec<_> = types.iter().filter(|one| *one != "null").cloned().collect();
        let only = if kept.len() == 1 { kept.first().cloned() } else { None };
        object.insert("type".to_owned(), only.unwrap_or(Value::Array(kept)));
    }
    if let Some(Value::Array(choices)) = object.get("oneOf") {
        let mut kept = choices.iter().filter(|one| one.get("type").is_none_or(|kind| kind != "null"));
        if let (Some(Value::Object(only)), None) = (kept.next(), kept.next()) {
            let only = only.clone();
            object.remove("oneOf");
            object.extend(only);
        }
    }
}

/// Ids have at most 64 characters.
pub(super) fn limit_id(name: &str, schema: &mut Value) {
    if let (true, Some(object)) = (TEXT_IDS.contains(&name), schema.as_object_mut()) {
        object.insert("maxLength".to_owned(), json!(MAX_TEXT_ID));
    }
}
