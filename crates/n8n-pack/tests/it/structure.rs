//! What N8N's importers want, and what makes a workflow safe to hand out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{flows, text, texts};

/// The nodes that are used, with versions that N8N 2 knows.
const NODES: &[(&str, &[f64])] = &[
    ("code", &[2.0]),
    ("crypto", &[2.0]),
    ("dataTable", &[1.1]),
    ("errorTrigger", &[1.0]),
    ("filter", &[2.2]),
    ("httpRequest", &[4.2]),
    ("if", &[2.2]),
    ("manualTrigger", &[1.0]),
    ("merge", &[3.0]),
    ("noOp", &[1.0]),
    ("respondToWebhook", &[1.1]),
    ("scheduleTrigger", &[1.2]),
    ("set", &[3.4]),
    ("splitOut", &[1.0]),
    ("stickyNote", &[1.0]),
    ("stopAndError", &[1.0]),
    ("switch", &[3.2]),
    ("webhook", &[2.0]),
];
const TRIGGERS: [&str; 4] = ["errorTrigger", "manualTrigger", "scheduleTrigger", "webhook"];

fn kind(node: &Value) -> &str {
    text(node, "/type").strip_prefix("n8n-nodes-base.").unwrap_or_default()
}

#[test]
fn importers_get_an_id_a_name_and_nothing_that_they_refuse() {
    let mut ids = BTreeSet::new();
    for flow in flows() {
        let id = text(&flow.json, "/id");
        assert!((1..=21).contains(&id.len()) && ids.insert(id.to_owned()), "{}", flow.file);
        let fields: Vec<_> = flow.json.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = BTreeSet::from(["id", "name", "nodes", "connections", "settings", "pinData"]);
        assert_eq!(BTreeSet::from_iter(fields), expected, "{}", flow.file);
        assert_eq!(text(&flow.json, "/settings/executionOrder"), "v1", "{}", flow.file);
    }
}

#[test]
fn nodes_are_known_and_named_once() {
    for flow in flows() {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for node in flow.nodes() {
            let name = text(node, "/name");
            assert!(ids.insert(text(node, "/id")) && names.insert(name), "{}: {name} comes twice", flow.file);
            let (_, versions) = NODES
                .iter()
                .find(|(known, _)| *known == kind(node))
                .unwrap_or_else(|| panic!("{}: {name} is of an unknown type", flow.file));
            assert!(versions.contains(&node["typeVersion"].as_f64().unwrap()), "{}: {name}", flow.file);
            assert_eq!(node["position"].as_array().unwrap().len(), 2, "{}: {name}", flow.file);
            assert_eq!(
                kind(node) == "webhook",
                !text(node, "/webhookId").is_empty(),
                "{}: {name}",
                flow.file
            );
        }
    }
}

#[test]
fn connections_name_nodes_that_exist_and_reach_every_node() {
    for flow in flows() {
        let names: BTreeSet<_> = flow.nodes().iter().map(|node| text(node, "/name")).collect();
        let mut reached = BTreeSet::new();
        for (from, outputs) in flow.json["connections"].as_object().unwrap() {
            assert!(names.contains(from.as_str()), "{}: {from}", flow.file);
            for link in outputs["main"].as_array().unwrap().iter().flat_map(|links| links.as_array().unwrap())
            {
                assert!(names.contains(text(link, "/node")), "{}: {from} leads nowhere", flow.file);
                reached.insert(text(link, "/node"));
            }
        }
        for node in flow.nodes() {
            let (kind, name) = (kind(node), text(node, "/name"));
            let begins = TRIGGERS.contains(&kind) || kind == "stickyNote";
            assert_eq!(reached.contains(name), !begins, "{}: {name}", flow.file);
        }
        // What an expression refers to.
        for named in texts(&flow.json).iter().flat_map(|text| text.split("$('").skip(1)) {
            let named = named.split('\'').next().unwrap();
            assert!(names.contains(named), "{}: an expression names {named}", flow.file);
        }
    }
}

#[test]
fn notes_are_in_both_languages() {
    for flow in flows() {
        let notes: Vec<_> =
            flow.of_type("stickyNote").iter().map(|note| text(note, "/parameters/content")).collect();
        for heading in ["## Tiếng Việt\n", "## English\n"] {
            assert!(notes.iter().any(|note| note.starts_with(heading)), "{}: no note {heading}", flow.file);
        }
    }
}

#[test]
fn an_execution_that_breaks_goes_to_the_error_workflow() {
    let errors = flows().into_iter().find(|flow| !flow.of_type("errorTrigger").is_empty()).unwrap();
    for flow in flows() {
        let sends = flow.nodes().iter().any(|node| text(node, "/name").starts_with("Send "));
        let target = text(&flow.json, "/settings/errorWorkflow");
        assert_eq!(target, if sends { text(&errors.json, "/id") } else { "" }, "{}", flow.file);
    }
}

#[test]
fn secrets_are_references_and_nothing_else() {
    for flow in flows() {
        for node in flow.nodes() {
            let name = text(node, "/name");
            for (_, credential) in node["credentials"].as_object().into_iter().flatten() {
                let fields: BTreeSet<_> =
                    credential.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(fields, BTreeSet::from(["id", "name"]), "{}: {name}", flow.file);
            }
            let headers = node.pointer("/parameters/headerParameters/parameters").and_then(Value::as_array);
            for header in headers.into_iter().flatten() {
                assert_eq!(text(header, "/name"), "Idempotency-Key", "{}: {name}", flow.file);
            }
            if kind(node) != "stickyNote" {
                for text in texts(&node["parameters"]) {
                    let low = text.to_lowercase();
                    for word in [
                        "whsec_",
                        "bearer ",
                        "x-worker-secret",
                        "x-callback-secret",
                        "x-service-token",
                        "secret=",
                        "password",
                    ] {
                        assert!(!low.contains(word), "{}: {name} holds {word}", flow.file);
                    }
                }
            }
        }
    }
}
