//! Reading workflows, and the little JavaScript in them.

use std::collections::BTreeSet;

use n8n_pack::WORKFLOWS;
use serde_json::Value;

/// A workflow, read.
pub(crate) struct Flow {
    pub(crate) file: &'static str,
    pub(crate) json: Value,
}

pub(crate) fn flows() -> Vec<Flow> {
    WORKFLOWS
        .iter()
        .map(|workflow| Flow { file: workflow.file, json: serde_json::from_str(workflow.json).unwrap() })
        .collect()
}

pub(crate) fn flow(id: &str) -> Flow {
    flows().into_iter().find(|flow| flow.json["id"] == id).unwrap()
}

impl Flow {
    pub(crate) fn nodes(&self) -> &[Value] {
        self.json["nodes"].as_array().unwrap()
    }

    pub(crate) fn of_type(&self, kind: &str) -> Vec<&Value> {
        let kind = format!("n8n-nodes-base.{kind}");
        self.nodes().iter().filter(|node| node["type"] == kind.as_str()).collect()
    }

    pub(crate) fn node(&self, name: &str) -> &Value {
        self.nodes()
            .iter()
            .find(|node| node["name"] == name)
            .unwrap_or_else(|| panic!("{}: no node {name}", self.file))
    }

    /// The nodes that follow an output of a node.
    pub(crate) fn after(&self, name: &str, output: usize) -> Vec<&Value> {
        let links = self.json["connections"][name]["main"][output].as_array();
        links.into_iter().flatten().map(|link| self.node(link["node"].as_str().unwrap())).collect()
    }
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Every text in it, at any depth.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The words that follow each `before` in the text.
pub(crate) fn words_after(text: &str, before: &str) -> BTreeSet<String> {
    let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    text.split(before).skip(1).map(|rest| rest.chars().take_while(is_word).collect()).collect()
}

/// The names of the fields of the object literal that begins at the first `{` of the text, not those of inner ones.
pub(crate) fn literal_fields(text: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let (mut depth, mut name, mut quoted) = (0_u32, String::new(), None);
    for c in text.chars() {
        match (quoted, c) {
            (Some(quote), c) => quoted = (c != quote).then_some(quote),
            (None, '\'' | '"' | '`') => quoted = Some(c),
            (None, '{' | '(' | '[') => depth += 1,
            (None, '}' | ')' | ']') if depth == 1 => break,
            (None, '}' | ')' | ']') => depth = depth.saturating_sub(1),
            (None, ':') if depth == 1 && !name.is_empty() => {
                fields.insert(std::mem::take(&mut name));
            }
            (None, c) if depth == 1 && (c.is_ascii_alphanumeric() || c == '_') => name.push(c),
            (None, c) if c.is_whitespace() => {}
            _ => name.clear(),
        }
        if c == ',' || c == '{' {
            name.clear();
        }
    }
    fields
}

#[test]
fn fields_of_a_literal_are_its_own() {
    let fields = literal_fields("{ a: 1, bC: $json.x ?? 'y: z', d: { e: [1] } }) and { f: 1 }");
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["a", "bC", "d"]);
}
