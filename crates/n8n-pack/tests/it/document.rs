//! The API's OpenAPI document, as far as a workflow has to fit it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

static DOCUMENT: LazyLock<Value> = LazyLock::new(http_api::document);

/// One endpoint.
pub(crate) struct Endpoint {
    /// `POST /api/worker/outbound`.
    pub(crate) name: String,
    /// The headers that open it, each on its own.
    pub(crate) headers: BTreeSet<String>,
    pub(crate) body: BTreeSet<String>,
    pub(crate) query: BTreeSet<String>,
    /// The fields of its answer's body.
    pub(crate) answer: BTreeSet<String>,
    ok: &'static Value,
}

impl Endpoint {
    pub(crate) fn find(method: &str, path: &str) -> Option<Self> {
        let operation = DOCUMENT["paths"].get(path)?.get(method.to_lowercase())?;
        let schemes = list(&operation["security"]).iter().flat_map(|way| way.as_object().unwrap().keys());
        let headers = schemes.filter_map(|scheme| {
            let scheme = &DOCUMENT["components"]["securitySchemes"][scheme];
            (scheme["in"] == "header").then(|| scheme["name"].as_str().unwrap().to_owned())
        });
        let query = list(&operation["parameters"]).iter().filter(|parameter| parameter["in"] == "query");
        let ok = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        Some(Self {
            name: format!("{method} {path}"),
            headers: headers.collect(),
            body: fields(&operation["requestBody"]["content"]["application/json"]["schema"]),
            query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
            answer: fields(ok),
            ok,
        })
    }

    /// The fields of what a field of the answer holds, be it one or a list.
    pub(crate) fn answer_of(&self, names: &[&str]) -> BTreeSet<String> {
        let inner = names.iter().fold(self.ok, |schema, name| property(schema, name).expect(name));
        fields(inner)
    }
}

/// The names of an object's fields; of several that are possible, those of all.
fn fields(schema: &'static Value) -> BTreeSet<String> {
    let own = schema["properties"].as_object().into_iter().flat_map(|all| all.keys().cloned());
    own.chain(inner(schema).flat_map(fields)).collect()
}

fn property(schema: &'static Value, name: &str) -> Option<&'static Value> {
    schema["properties"].get(name).or_else(|| inner(schema).find_map(|schema| property(schema, name)))
}

/// What a schema refers to, may be, or is a list of.
fn inner(schema: &'static Value) -> impl Iterator<Item = &'static Value> {
    let named = schema["$ref"].as_str().map(|path| DOCUMENT.pointer(path.trim_start_matches('#')).unwrap());
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|kind| list(&schema[kind]));
    named.into_iter().chain(choices).chain(schema.get("items"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
