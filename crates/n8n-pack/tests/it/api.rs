//! Every URL, header and field in the workflows fits the API (contract §9).

use std::collections::BTreeSet;

use delivery_n8n::HandOffBody;
use domain::channel::Channel;
use domain::job::JobStatus;
use n8n_pack::BASE_URL;
use serde_json::Value;

use crate::fixtures::message;
use crate::support::{Flow, flow, flows, literal_fields, text, texts, words_after};

/// One endpoint as the contract has it.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    /// The header that opens it, as the credential's name says.
    credentials: &'static [&'static str],
    body: &'static [&'static str],
    query: &'static [&'static str],
    /// What of its answer's body may be read.
    answer: &'static [&'static str],
}

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "POST",
        path: "/api/worker/outbound",
        credentials: &["Outbound worker secret"],
        body: &["batchSize", "concurrency", "dryRun", "retryFailedOnly", "force", "mode"],
        query: &[],
        answer: &[
            "ok",
            "dryRun",
            "processed",
            "sent",
            "failed",
            "skipped",
            "rateLimited",
            "remainingEstimate",
            "breakdownByPriority",
            "breakdownByOwner",
            "webhookEnabled",
            "duration",
            "leaseId",
            "quietHours",
            "circuit",
            "warnings",
            "messages",
        ],
    },
    Endpoint {
        method: "POST",
        path: "/api/outbound/callback",
        credentials: &["Outbound callback secret"],
        body: CALLBACK,
        query: &[],
        answer: &["ok", "applied", "results"],
    },
    Endpoint {
        method: "GET",
        path: "/api/outbound/jobs",
        credentials: &["Outbound service token"],
        body: &[],
        query: &["status", "suggestionId", "ownerId", "page", "pageSize"],
        answer: &["items", "page", "pageSize", "total"],
    },
    Endpoint {
        method: "PATCH",
        path: "/api/outbound/jobs/{id}",
        credentials: &["Outbound service token", "Outbound callback secret"],
        body: &["status", "runId", "lastError"],
        query: &[],
        answer: &["outboundJob"],
    },
];
const CALLBACK: &[&str] =
    &["messageId", "status", "providerMessageId", "error", "sentAt", "permanent", "attempt", "leaseId"];
const JOB: &[&str] = &[
    "id",
    "title",
    "status",
    "actionKey",
    "suggestionId",
    "taskId",
    "runId",
    "lastError",
    "note",
    "ownerId",
    "branchId",
    "createdById",
    "dispatchedAt",
    "doneAt",
    "createdAt",
    "updatedAt",
    "messageCounts",
];

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The calls to Outbound, with the endpoint of each.
fn calls(flow: &Flow) -> Vec<(&Value, &'static Endpoint)> {
    let calls = flow.of_type("httpRequest").into_iter().filter_map(|node| {
        let path = text(node, "/parameters/url").trim_start_matches('=').strip_prefix(BASE_URL)?.to_owned();
        let path = path.replace("{{ $json.id }}", "{id}");
        let method = text(node, "/parameters/method");
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.method == method && endpoint.path == path);
        Some((node, endpoint.unwrap_or_else(|| panic!("{}: the contract has no {method} {path}", flow.file))))
    });
    calls.collect()
}

fn credential(node: &Value) -> &str {
    let kind = text(node, "/parameters/genericAuthType");
    node.pointer(&format!("/credentials/{kind}/name")).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn every_call_is_one_of_the_contract_with_its_credential() {
    let mut used = BTreeSet::new();
    for flow in flows() {
        for (node, endpoint) in calls(&flow) {
            used.insert((endpoint.method, endpoint.path));
            assert!(
                endpoint.credentials.contains(&credential(node)),
                "{}: {}",
                flow.file,
                text(node, "/name")
            );
        }
        for node in flow.of_type("httpRequest") {
            let url = text(node, "/parameters/url");
            let ours = url.contains(BASE_URL);
            let from_environment = url.starts_with("={{ $env.") && url.ends_with("_URL }}");
            assert!(ours || from_environment, "{}: {} goes to {url}", flow.file, text(node, "/name"));
        }
    }
    assert_eq!(used.len(), ENDPOINTS.len(), "an endpoint is not used");
}

#[test]
fn bodies_and_queries_have_the_contract_s_fields_alone() {
    for flow in flows() {
        for (node, endpoint) in calls(&flow) {
            let at = format!("{}: {}", flow.file, text(node, "/name"));
            let body = text(node, "/parameters/jsonBody");
            if body.contains("JSON.stringify({") {
                let fields = literal_fields(body.split("JSON.stringify(").nth(1).unwrap());
                assert!(!fields.is_empty() && fields.is_subset(&set(endpoint.body)), "{at}: {fields:?}");
            } else if body.contains("$json.callbacks") {
                let code = flow.of_type("code").into_iter().map(|code| text(code, "/parameters/jsCode"));
                let code = code.filter(|code| code.contains("callbacks")).collect::<String>();
                let fields = literal_fields(code.split("=> (").nth(1).unwrap());
                assert!(fields.contains("messageId") && fields.is_subset(&set(CALLBACK)), "{at}: {fields:?}");
            } else {
                assert_eq!(body, "", "{at}");
                assert!(endpoint.body.is_empty(), "{at}");
            }
            let query = node.pointer("/parameters/queryParameters/parameters").and_then(Value::as_array);
            for parameter in query.into_iter().flatten() {
                assert!(endpoint.query.contains(&text(parameter, "/name")), "{at}");
            }
        }
    }
}

#[test]
fn answers_are_read_by_the_contract_s_fields() {
    for flow in flows() {
        let known: BTreeSet<_> = calls(&flow).iter().flat_map(|(_, endpoint)| set(endpoint.answer)).collect();
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
    let jobs = flow("outboundJobs");
    let code = texts(jobs.node("Which are over?")).join("\n");
    assert!(words_after(&code, "job.").is_subset(&set(JOB)));
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
            if endpoint.path == "/api/outbound/callback" {
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
