//! Every URL, header and field in the workflows fits the API (contract §9).

use std::collections::{BTreeMap, BTreeSet};

use delivery_n8n::HandOffBody;
use domain::channel::Channel;
use domain::job::JobStatus;
use n8n_pack::BASE_URL;
use serde_json::Value;

use crate::document::Endpoint;
use crate::fixtures::{DOC, message};
use crate::support::{Flow, flow, flows, literal_fields, text, texts, words_after};

/// What makes the credentials for `scripts/test-n8n`.
const SET_UP: &str = include_str!("../../../../scripts/n8n-test/set-up.mjs");

/// The calls to Outbound, with the endpoint of each.
fn calls(flow: &Flow) -> Vec<(&Value, Endpoint)> {
    let calls = flow.of_type("httpRequest").into_iter().filter_map(|node| {
        let path = text(node, "/parameters/url").trim_start_matches('=').strip_prefix(BASE_URL)?.to_owned();
        let path = path.replace("{{ $json.id }}", "{id}");
        let method = text(node, "/parameters/method");
        let endpoint = Endpoint::find(method, &path);
        Some((node, endpoint.unwrap_or_else(|| panic!("{}: the API has no {method} {path}", flow.file))))
    });
    calls.collect()
}

fn credential(node: &Value) -> &str {
    let kind = text(node, "/parameters/genericAuthType");
    node.pointer(&format!("/credentials/{kind}/name")).and_then(Value::as_str).unwrap_or_default()
}

/// What comes in quotes of this kind.
fn quoted(text: &str, quote: char) -> Vec<&str> {
    text.split(quote).skip(1).step_by(2).collect()
}

/// The header of each credential, as the page tells people to make them.
fn headers_of_the_page() -> BTreeMap<&'static str, &'static str> {
    let rows = DOC.lines().map(str::trim_start);
    let rows = rows.filter(|line| line.starts_with("| `Outbound ") && line.contains("| Header Auth |"));
    rows.map(|row| quoted(row, '`')).map(|words| (words[0], words[1])).collect()
}

#[test]
fn every_call_is_one_of_the_api_and_opens_it_with_the_header_of_its_credential() {
    let headers = headers_of_the_page();
    let mut used = BTreeSet::new();
    for flow in flows() {
        for (node, endpoint) in calls(&flow) {
            let header = headers.get(credential(node));
            assert!(
                header.is_some_and(|header| endpoint.headers.contains(*header)),
                "{}: {} opens {} with {header:?}",
                flow.file,
                text(node, "/name"),
                endpoint.name
            );
            used.insert(endpoint.name);
        }
        for node in flow.of_type("httpRequest") {
            let url = text(node, "/parameters/url");
            let ours = url.contains(BASE_URL);
            let from_environment = url.starts_with("={{ $env.") && url.ends_with("_URL }}");
            assert!(ours || from_environment, "{}: {} goes to {url}", flow.file, text(node, "/name"));
        }
    }
    let expected = [
        "GET /api/outbound/jobs",
        "PATCH /api/outbound/jobs/{id}",
        "POST /api/outbound/callback",
        "POST /api/worker/outbound",
    ];
    assert!(used.iter().eq(expected.iter()), "{used:?}");
}

#[test]
fn notes_and_the_test_s_own_set_up_name_the_headers_as_the_page_does() {
    let headers = headers_of_the_page();
    assert_eq!(headers.len(), 3);
    let set_up = SET_UP.lines().filter(|line| line.contains(": header('x-"));
    let made = set_up.map(|line| quoted(line, '\'')).map(|words| (words[0], words[1]));
    assert_eq!(made.collect::<BTreeMap<_, _>>(), headers);
    for flow in flows() {
        let calls = calls(&flow);
        let own: BTreeSet<_> = calls.iter().map(|(node, _)| headers[credential(node)]).collect();
        for note in flow.of_type("stickyNote") {
            let said = quoted(text(note, "/parameters/content"), '`');
            let said: BTreeSet<_> = said.into_iter().filter(|word| word.starts_with("x-")).collect();
            assert!(said.is_subset(&own), "{}: {said:?} of {own:?}", flow.file);
        }
    }
}

#[test]
fn bodies_and_queries_have_the_api_s_fields_alone() {
    let callback = Endpoint::find("POST", "/api/outbound/callback").unwrap();
    for flow in flows() {
        for (node, endpoint) in calls(&flow) {
            let at = format!("{}: {}", flow.file, text(node, "/name"));
            let body = text(node, "/parameters/jsonBody");
            if body.contains("JSON.stringify({") {
                let fields = literal_fields(body.split("JSON.stringify(").nth(1).unwrap());
                assert!(!fields.is_empty() && fields.is_subset(&endpoint.body), "{at}: {fields:?}");
            } else if body.contains("$json.callbacks") {
                let code = flow.of_type("code").into_iter().map(|code| text(code, "/parameters/jsCode"));
                for code in code.filter(|code| code.contains("const callbacks")) {
                    let code = code.split("const callbacks").nth(1).unwrap();
                    let fields = literal_fields(code.split("=> (").nth(1).unwrap());
                    assert!(fields.is_subset(&callback.body), "{at}: {fields:?}");
                    for needed in ["messageId", "status", "attempt"] {
                        assert!(fields.contains(needed), "{at}: {fields:?}");
                    }
                }
            } else {
                assert_eq!(body, "", "{at}");
                assert!(endpoint.body.is_empty(), "{at}");
            }
            let query = node.pointer("/parameters/queryParameters/parameters").and_then(Value::as_array);
            for parameter in query.into_iter().flatten() {
                assert!(endpoint.query.contains(text(parameter, "/name")), "{at}");
            }
        }
    }
}

#[test]
fn answers_are_read_by_the_api_s_fields() {
    for flow in flows() {
        let known: BTreeSet<_> = calls(&flow).into_iter().flat_map(|(_, endpoint)| endpoint.answer).collect();
        for node in flow.nodes().iter().filter(|node| text(node, "/type") != "n8n-nodes-base.webhook") {
            let name = text(node, "/name");
            if name == "Message" && flow.json["id"] == "outboundReceiver" {
                continue;
            }
            let all = texts(&node["parameters"]).join("\n");
            let mut read = words_after(&all, "$json.body.");
            read.extend(words_after(&all, "$json.body?."));
            assert!(read.is_subset(&known), "{}: {name} reads {read:?}", flow.file);
        }
    }
    let list = Endpoint::find("GET", "/api/outbound/jobs").unwrap();
    let jobs = flow("outboundJobs");
    let code = texts(jobs.node("Which are over?")).join("\n");
    assert!(words_after(&code, "job.").is_subset(&list.answer_of(&["items"])));
    let counted =
        code.split("const { ").find_map(|rest| rest.split_once(" } = job.messageCounts")).unwrap().0;
    let known = list.answer_of(&["items", "messageCounts"]);
    assert!(counted.split(", ").all(|status| known.contains(status)), "{counted}");
    for status in JobStatus::ALL {
        assert!(texts(&jobs.json).iter().any(|text| text.contains(status.as_str())), "{status}");
    }
}

#[test]
fn messages_are_read_by_the_hand_off_s_fields() {
    let message = message();
    let lease = "01936d6a-0000-7000-8000-00000000000a".parse().unwrap();
    let body = serde_json::to_value(HandOffBody::new(&message, lease, Some("https://x"))).unwrap();
    let known: BTreeSet<_> = body.as_object().unwrap().keys().cloned().collect();
    let run = Endpoint::find("POST", "/api/worker/outbound").unwrap();
    assert_eq!(run.answer_of(&["messages"]), known, "pulled messages are as those that are handed off");
    for flow in [flow("outboundReceiver"), flow("outboundPull")] {
        let all = texts(&flow.json).join("\n");
        let read = words_after(&all, "$('Message').item.json.");
        assert!(read.contains("to") && read.is_subset(&known), "{}: {read:?}", flow.file);
        let code = text(flow.node("What became of it?"), "/parameters/jsCode");
        let taken = code.split("const { ").find_map(|rest| rest.split_once(" } = message;")).unwrap().0;
        assert!(taken.split(", ").all(|field| known.contains(field)), "{}: {taken}", flow.file);
    }
    let receiver = flow("outboundReceiver");
    let all = texts(&receiver.json).join("\n");
    let headers: BTreeSet<_> =
        all.split("headers['").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    let sent = ["idempotency-key", "webhook-id", "webhook-signature", "webhook-timestamp"];
    assert_eq!(headers, BTreeSet::from(sent));
}

#[test]
fn every_channel_has_a_branch_and_the_same_reading_both_ways() {
    let both = [flow("outboundReceiver"), flow("outboundPull")];
    for flow in &both {
        let rules = flow
            .node("Which channel?")
            .pointer("/parameters/rules/values")
            .and_then(Value::as_array)
            .unwrap();
        let code = text(flow.node("What became of it?"), "/parameters/jsCode");
        assert_eq!(rules.len(), Channel::ALL.len());
        for channel in Channel::ALL {
            let rule = rules.iter().position(|rule| text(rule, "/outputKey") == channel.as_str()).unwrap();
            assert_eq!(text(&rules[rule], "/conditions/conditions/0/rightValue"), channel.as_str());
            let next = flow.after("Which channel?", rule);
            assert_eq!(text(next[0], "/name"), format!("Send {channel}"), "{}", flow.file);
            assert!(code.contains(&format!("  {channel}: {{")), "{}: {channel} is not read", flow.file);
        }
        assert_eq!(
            flow.after("Which channel?", rules.len()).len(),
            1,
            "{}: other channels fall through",
            flow.file
        );
        for status in ["SENT", "FAILED", "SKIPPED"] {
            assert!(code.contains(&format!("'{status}'")), "{}: {status}", flow.file);
        }
    }
    let [push, pull] =
        both.each_ref().map(|flow| text(flow.node("What became of it?"), "/parameters/jsCode"));
    assert_eq!(push, pull);
}

#[test]
fn an_error_never_looks_like_an_idle_queue() {
    for flow in flows() {
        for (node, endpoint) in calls(&flow) {
            let (name, at) = (text(node, "/name"), format!("{}: {}", flow.file, text(node, "/name")));
            assert_ne!(text(node, "/onError"), "continueRegularOutput", "{at}");
            if endpoint.name == "POST /api/outbound/callback" {
                // An error answer is an error, and tried again.
                assert_eq!(node["retryOnFail"], true, "{at}");
                assert_eq!(node.pointer("/parameters/options/response"), None, "{at}");
                continue;
            }
            assert_eq!(text(node, "/onError"), "continueErrorOutput", "{at}");
            assert!(!flow.after(name, 1).is_empty(), "{at}: no error branch");
            let next = flow.after(name, 0);
            let [asks] = next.as_slice() else { panic!("{at}: more than one follows") };
            assert!(
                texts(&asks["parameters"]).iter().any(|text| text.contains("$json.statusCode === 200")),
                "{at}"
            );
            assert!(!flow.after(text(asks, "/name"), 1).is_empty(), "{at}: an error answer leads nowhere");
        }
    }
}

#[test]
fn nothing_is_sent_twice_by_n8n_s_own_retries() {
    for flow in [flow("outboundReceiver"), flow("outboundPull")] {
        for channel in Channel::ALL {
            let node = flow.node(&format!("Send {channel}"));
            assert_eq!(node.get("retryOnFail"), None, "{}", flow.file);
            assert!(text(node, "/onError").starts_with("continue"), "{}", flow.file);
            assert!(!node["credentials"].is_null(), "{}", flow.file);
        }
    }
}
