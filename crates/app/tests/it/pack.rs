//! N8N's workflows and what docs/N8N.md says of them, against the whole server.

mod examples;
mod export;
mod jobs;
mod signatures;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the examples are.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../n8n-pack/fixtures")
}

/// An example of docs/N8N.md.
fn fixture(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join(name)).unwrap()).unwrap()
}

/// The same with the messages that the test made, in place of the example's first, second and so on.
fn fixture_about(name: &str, messages: &[&str]) -> Value {
    let mut text = fixture(name).to_string();
    for (place, id) in (1..).zip(messages) {
        text = text.replace(&format!("01936d6a-0000-7000-8000-{place:012}"), id);
    }
    serde_json::from_str(&text).unwrap()
}
