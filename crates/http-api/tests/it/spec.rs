//! The document says all that is mounted, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use http_api::ApiError;
use serde_json::Value;

use crate::support::{TestApi, bearer, request};

/// Method and path.
type Operations = BTreeSet<(String, String)>;

fn documented(document: &Value) -> Operations {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
    });
    operations.collect()
}

/// The route table, read from its source: `at("<path>", [get(..), post(..)])`.
fn mounted() -> Operations {
    let mut found = Operations::new();
    for row in include_str!("../../src/routes.rs").split("at(").skip(1) {
        let Some(row) = row.trim_start().strip_prefix('"') else { continue };
        let (path, methods) = row.split_once('"').unwrap();
        let methods = methods.split_once(']').unwrap().0;
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            if methods.contains(&format!("{method}(")) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_document_and_the_document_has_no_other() {
    let mut mounted = mounted();
    // The page of the document is no part of it.
    assert!(mounted.remove(&("get".to_owned(), "/docs".to_owned())));
    assert!(mounted.len() > 20, "{mounted:?}");
    assert_eq!(documented(&http_api::document()), mounted);
}

#[test]
fn every_operation_has_an_id_of_its_own_and_says_who_may_use_it_and_how_it_fails() {
    let document = http_api::document();
    let mut ids = BTreeSet::new();
    for (method, path) in documented(&document) {
        let operation = &document["paths"][&path][&method];
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{at}");
        for (status, answer) in answers {
            assert!(!answer["description"].as_str().unwrap().is_empty(), "{at} {status}");
        }
        if !path.starts_with("/api") {
            continue;
        }
        assert!(!operation["security"].as_array().unwrap().is_empty(), "{at}");
        for status in ["403", "500", "503"] {
            let content = &answers[status]["content"]["application/json"]["schema"];
            assert_eq!(content["$ref"], "#/components/schemas/ErrorBody", "{at} {status}");
        }
        if operation["requestBody"].is_object() {
            assert!(answers.contains_key("400") && answers.contains_key("413"), "{at}");
        }
        let schemes: Vec<_> = operation["security"].as_array().unwrap().iter().collect();
        for scheme in schemes {
            let name = scheme.as_object().unwrap().keys().next().unwrap();
            assert!(document["components"]["securitySchemes"][name].is_object(), "{at} {name}");
        }
    }
}

#[test]
fn nothing_is_referred_to_that_is_not_there() {
    let document = http_api::document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let pointer = reference.split_once('"').unwrap().0.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn the_codes_are_those_that_errors_have() {
    let text = || "x".into();
    let all = [
        ApiError::Validation(Vec::new()),
        ApiError::MissingBearer,
        ApiError::InvalidToken(text()),
        ApiError::Forbidden(text()),
        ApiError::MissingServiceToken,
        ApiError::InvalidServiceToken,
        ApiError::NotFound(text()),
        ApiError::MethodNotAllowed("GET".into()),
        ApiError::Conflict(text()),
        ApiError::IdempotencyOtherBody,
        ApiError::IdempotencyRunning,
        ApiError::PayloadTooLarge(1),
        ApiError::RateLimited(1),
        ApiError::TooFast { wait: 1, limit: std::num::NonZeroU32::MIN },
        ApiError::TooSlow,
        ApiError::Internal("x".to_owned()),
        ApiError::Unavailable("x".to_owned()),
        ApiError::TryAgain(text()),
    ];
    let codes: BTreeSet<_> = all.iter().map(ApiError::code).collect();
    let document = http_api::document();
    let named = document["components"]["schemas"]["ErrorView"]["properties"]["code"]["enum"].as_array();
    let named: BTreeSet<_> = named.unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(named, codes);
    let page = include_str!("../../../../docs/API.md");
    for code in codes {
        assert_eq!(page.matches(&format!("\n| `{code}` |")).count(), 1, "docs/API.md gives {code} one line");
    }
}

#[test]
fn what_answers_leave_out_is_what_the_document_does_not_require() {
    let document = http_api::document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut sources = Vec::new();
    sources_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let mut left_out = BTreeSet::new();
    for source in &sources {
        left_out.extend(skipped_fields(source));
    }
    let mut optional = BTreeSet::new();
    let answers = schemas.iter().filter(|(_, schema)| !schema["additionalProperties"].is_boolean());
    let with_parts = answers.flat_map(|(name, schema)| {
        let parts = schema["allOf"].as_array().into_iter().flatten();
        parts.chain([schema]).map(move |part| (name, part))
    });
    for (name, schema) in with_parts {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let missing =
            properties.filter(|(property, _)| !required.contains(&Value::String((*property).clone())));
        optional.extend(missing.map(|(property, _)| (name.clone(), property.clone())));
    }
    // What N8N sends is no answer.
    optional.retain(|(name, _)| name != "CallbackForm");
    assert_eq!(optional, left_out);
}

fn sources_in(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_in(&path, sources);
        } else {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The fields that a source file's views leave out, by the names that the wire has.
fn skipped_fields(source: &str) -> Vec<(String, String)> {
    let (mut view, mut skips, mut found) = (String::new(), false, Vec::new());
    for line in source.lines().map(str::trim) {
        let words = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        if let Some(name) = words.strip_prefix("struct ") {
            view = name.chars().take_while(|c| c.is_alphanumeric()).collect();
        } else if line.starts_with("#[serde(") && line.contains("skip_serializing_if") {
            // What is flattened is no field of its own.
            skips = !line.contains("flatten");
        } else if skips && !line.starts_with("#[") && !line.starts_with("//") {
            let field = words.split_once(':').unwrap().0;
            found.push((view.clone(), camel(field)));
            skips = false;
        }
    }
    // An answer as it is kept, not as it is sent.
    found.retain(|(view, _)| view != "Answer");
    found
}

fn camel(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[actix_web::test]
async fn every_body_has_an_example_that_the_server_takes() {
    let document = http_api::document();
    for (method, path) in documented(&document) {
        let body = &document["paths"][&path][&method]["requestBody"]["content"]["application/json"];
        let empty = path.ends_with("{id}/cancel") || path.ends_with("{id}/requeue");
        assert_eq!(body.is_object() && !empty, body["example"].is_object(), "{method} {path}");
        if !body["example"].is_object() {
            continue;
        }
        let api = TestApi::new();
        let asked =
            path.replace("{id}", "01890000-0000-7000-8000-000000000000").replace("{key}", "remind_start");
        let template = document["paths"]["/api/outbound/templates"]["post"]["requestBody"]["content"]
            ["application/json"]["example"]
            .clone();
        if path.contains("{key}") {
            assert_eq!(api.post_json("/api/outbound/templates", &template).await.status, 201);
        }
        let request = request(method.to_uppercase().parse().unwrap(), &asked)
            .insert_header(bearer("admin"))
            .insert_header(("x-worker-secret", "worker-secret"))
            .insert_header(("x-callback-secret", "callback-secret"))
            .insert_header(("x-service-token", "service-token"));
        let answer = api.send(request.set_payload(body["example"].to_string())).await;
        // What it names need not be there.
        assert!(answer.status.is_success() || answer.status == 404, "{method} {path}: {}", answer.body);
    }
}

#[actix_web::test]
async fn the_document_is_served_as_it_is() {
    let api = TestApi::new();
    assert_eq!(api.get("/openapi.json").await.body, http_api::document());
}
