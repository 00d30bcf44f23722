//! What is said of every operation, by rule.

use domain::ports::MAX_CALLBACKS;
use serde_json::{Map, Value, json};

use super::{answers, examples};

/// Paths that lead to the same operations as others do.
const ALIASES: [(&str, &str, &str); 1] = [("/api/templates", "/api/outbound/templates", "get")];
/// Paths that answer HEAD as they answer GET, without the body.
const WITH_HEAD: [&str; 2] = ["/livez", "/readyz"];

/// Operations that take what their body says, or an array of up to so many.
const ONE_OR_MANY: [(&str, usize); 1] = [("/api/outbound/callback", MAX_CALLBACKS)];

pub(super) fn complete(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths.iter_mut() {
        let Some(item) = item.as_object_mut() else { continue };
        for (method, operation) in item.iter_mut() {
            if let Some(operation) = operation.as_object_mut() {
                operation.insert("operationId".to_owned(), Value::String(operation_id(method, path)));
                parameters(operation);
                for (_, max) in ONE_OR_MANY.iter().filter(|(of, _)| of == path) {
                    one_or_many(operation, *max);
                }
                examples::complete(path, method, operation);
                answers::complete(path, operation);
            }
        }
        if WITH_HEAD.contains(&path.as_str()) {
            let head = item.get("get").map(|get| head(get, path));
            item.extend(head.map(|head| ("head".to_owned(), head)));
        }
    }
    for (alias, path, method) in ALIASES {
        let mut operation = paths.get(path).and_then(|item| item.get(method)).cloned().unwrap_or_default();
        if let Some(operation) = operation.as_object_mut() {
            let id = format!("{}Alias", operation_id(method, path));
            operation.insert("operationId".to_owned(), Value::String(id));
        }
        paths.insert(alias.to_owned(), json!({ method: operation }));
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
    id
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
        // An empty value is no filter.
        let is_filter = parameter.get("in").is_some_and(|place| place == "query")
            && parameter.pointer("/schema/type").is_none_or(|kind| kind != "boolean");
        if let (true, Some(parameter)) = (is_filter, parameter.as_object_mut()) {
            parameter.insert("allowEmptyValue".to_owned(), Value::Bool(true));
        }
        let in_path = parameter.get("in").is_some_and(|place| place == "path");
        let Some(schema) = parameter.get_mut("schema") else { continue };
        match name.as_str() {
            "Idempotency-Key" => {
                *schema = json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"});
            }
            "key" if in_path => *schema = json!({"type": "string", "minLength": 1, "maxLength": 64}),
            _ => {
                super::schemas::never_null(schema);
                // Sizes beyond what is served are cut, and not refused.
                if let (true, Some(schema)) = (is_integer(schema), schema.as_object_mut()) {
                    schema.remove("format");
                }
            }
        }
        super::schemas::limit_id(&name, schema);
    }
}

fn is_integer(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "integer")
}

fn one_or_many(operation: &mut Map<String, Value>, max: usize) {
    let body = operation.get_mut("requestBody");
    if let Some(schema) = body.and_then(|body| body.pointer_mut("/content/application~1json/schema")) {
        let one = schema.take();
        let mut many = json!({"type": "array", "maxItems": max, "items": one});
        super::schemas::each_on_its_own(Some(&mut many));
        *schema = json!({"oneOf": [one, many]});
    }
}

fn head(get: &Value, path: &str) -> Value {
    let mut head = get.clone();
    if let Some(operation) = head.as_object_mut() {
        operation.insert("operationId".to_owned(), Value::String(operation_id("head", path)));
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for response in
            responses.into_iter().flat_map(|all| all.values_mut()).filter_map(Value::as_object_mut)
        {
            response.remove("content");
        }
    }
    head
}
