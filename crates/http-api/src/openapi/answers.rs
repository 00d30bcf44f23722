//! The answers that an operation may give besides its own, by what it takes and who may use it.

use serde_json::{Map, Value, json};

/// Status, and what it says where an operation has nothing more precise to say.
const BAD: (&str, &str) = ("400", "The request is wrong; every bad field is named");
const UNAUTHORIZED: (&str, &str) = ("401", "There is no credential, or it is not valid");
const FORBIDDEN: (&str, &str) = ("403", "The caller may not do this, or the secret is wrong or not set");
const NOT_FOUND: (&str, &str) = ("404", "There is no such thing, or it lies outside the caller's scope");
const CONFLICT: (&str, &str) = ("409", "The Idempotency-Key belongs to another body, or is still at work");
const TOO_LARGE: (&str, &str) = ("413", "The body is too large");
const TOO_SLOW: (&str, &str) = ("408", "The body did not arrive in time");
const RATE_LIMITED: (&str, &str) =
    ("429", "Too many requests of one caller, or wrong secrets from one address");
const INTERNAL: (&str, &str) = ("500", "A bug; the log tells, under the answer's x-request-id");
const UNAVAILABLE: (&str, &str) = ("503", "Not now; try again");

pub(super) fn complete(path: &str, operation: &mut Map<String, Value>) {
    let possible = possible(path, operation);
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, description) in possible {
        let response = responses.entry(status).or_insert_with(|| json!({}));
        let Some(response) = response.as_object_mut() else { continue };
        let described =
            response.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !described {
            response.insert("description".to_owned(), json!(description));
        }
        response.entry("content").or_insert_with(
            || json!({"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}),
        );
        if [RATE_LIMITED.0, UNAVAILABLE.0].contains(&status) {
            header(response, "Retry-After", "RetryAfter");
        }
    }
    for response in responses.values_mut().filter_map(Value::as_object_mut) {
        header(response, "x-request-id", "RequestId");
        // The document must have one, even where the summary says it all.
        response.entry("description").or_insert_with(|| json!("Done"));
    }
}

/// The headers that answers refer to.
pub(super) fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names the request in the log; taken from the request where it gave one",
            "schema": {"type": "string", "minLength": 1, "maxLength": 64},
        },
        "RetryAfter": {
            "description": "How many seconds to wait before the same request may succeed",
            "schema": {"type": "integer", "minimum": 1},
        },
    })
}

fn header(response: &mut Map<String, Value>, name: &str, of: &str) {
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    if let Some(headers) = headers.as_object_mut() {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{of}")}));
    }
}

fn possible(path: &str, operation: &Map<String, Value>) -> Vec<(&'static str, &'static str)> {
    let takes = |place: &str| parameters(operation).any(|one| one.get("in").is_some_and(|at| at == place));
    let keyed =
        parameters(operation).any(|one| one.get("name").is_some_and(|name| name == "Idempotency-Key"));
    let open_to = |scheme: &[&str]| schemes(operation).any(|one| scheme.contains(&one.as_str()));
    let has_body = operation.contains_key("requestBody");
    let checks = |condition: bool, answer| condition.then_some(answer);
    [
        checks(has_body || takes("query") || takes("header"), BAD),
        checks(open_to(&["bearer", "cookie", "serviceToken"]), UNAUTHORIZED),
        checks(schemes(operation).next().is_some(), FORBIDDEN),
        checks(takes("path"), NOT_FOUND),
        checks(keyed, CONFLICT),
        checks(has_body, TOO_SLOW),
        checks(has_body, TOO_LARGE),
        checks(schemes(operation).next().is_some(), RATE_LIMITED),
        checks(path.starts_with("/api"), INTERNAL),
        checks(path.starts_with("/api") || path == "/readyz", UNAVAILABLE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn parameters(operation: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    operation.get("parameters").and_then(Value::as_array).into_iter().flatten()
}

fn schemes(operation: &Map<String, Value>) -> impl Iterator<Item = &String> {
    let security = operation.get("security").and_then(Value::as_array).into_iter().flatten();
    security.filter_map(Value::as_object).flat_map(Map::keys)
}
