//! What is said of every operation, by rule.

use serde_json::{Map, Value, json};

use super::answers;

/// Paths that lead to the same operations as others do.
const ALIASES: [(&str, &str, &str); 1] = [("/api/templates", "/api/outbound/templates", "get")];
/// Paths that answer HEAD as they answer GET, without the body.
const WITH_HEAD: [&str; 2] = ["/livez", "/readyz"];

pub(super) fn complete(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (alias, path, method) in ALIASES {
        let operation = paths.get(path).and_then(|item| item.get(method)).cloned();
        paths.insert(alias.to_owned(), json!({ method: operation }));
    }
    for (path, item) in paths.iter_mut() {
        let Some(item) = item.as_object_mut() else { continue };
        for (method, operation) in item.iter_mut() {
            if let Some(operation) = operation.as_object_mut() {
                operation.insert("operationId".to_owned(), Value::String(operation_id(method, path)));
                parameters(operation);
                answers::complete(path, operation);
            }
        }
        if WITH_HEAD.contains(&path.as_str()) {
            let head = item.get("get").map(|get| head(get, path));
            item.extend(head.map(|head| ("head".to_owned(), head)));
        }
    }
}

/// `GET /api/outbound/jobs/{id}` becomes `getJobsById`.
fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for part in path.split('/').filter(|part| !["", "api", "outbound"].contains(part)) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(parameter) => {
                id.push_str("By");
                capitalised(&mut id, parameter);
            }
            None => part.split(['-', '.']).for_each(|word| capitalised(&mut id, word)),
        }
    }
    if path.starts_with("/api/outbound") { id } else { id + if path.starts_with("/api") { "Alias" } else { "" } }
}

fn capitalised(id: &mut String, word: &str) {
    let mut letters = word.chars();
    id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    id.push_str(letters.as_str());
}

/// Parameters are there or not, but never null; those that many operations have are the same everywhere.
fn parameters(operation: &mut Map<String, Value>) {
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    for parameter in parameters {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let in_path = parameter.get("in").is_some_and(|place| place == "path");
        let Some(schema) = parameter.get_mut("schema") else { continue };
        match name.as_str() {
            "Idempotency-Key" => {
                *schema = json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"});
            }
            "key" if in_path => *schema = json!({"type": "string", "minLength": 1, "maxLength": 64}),
            _ => super::schemas::never_null(schema),
        }
        super::schemas::limit_id(&name, schema);
    }
}

fn head(get: &Value, path: &str) -> Value {
    let mut head = get.clone();
    if let Some(operation) = head.as_object_mut() {
        operation.insert("operationId".to_owned(), Value::String(operation_id("head", path)));
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for response in responses.into_iter().flat_map(|all| all.values_mut()).filter_map(Value::as_object_mut) {
            response.remove("content");
        }
    }
    head
}
