//! The examples of docs/N8N.md are these fixtures, and these fixtures are what the program says and takes.

use std::collections::BTreeMap;
use std::path::Path;

use delivery_n8n::{HandOffBody, N8nCallbacks};
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{BranchId, LeadId, OwnerId, TemplateKey};
use domain::message::{Content, Message, Priority, Text};
use domain::ports::CallbackDecoder as _;
use serde_json::{Value, json};

const DOC: &str = include_str!("../../../../docs/N8N.md");

fn fixtures() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let read = files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap()));
    read.collect()
}

fn fixture(name: &str) -> Value {
    serde_json::from_str(&fixtures()[name]).unwrap()
}

/// The message of `hand-off.json`.
pub(crate) fn message() -> Message {
    let content = Content {
        channel: Channel::Zalo,
        to: Some(Address::parse(Channel::Zalo, "0901234567").unwrap()),
        template_key: Some(TemplateKey::parse("class-reminder").unwrap()),
        text: Text("Chào Lan, lớp học bắt đầu lúc 18:00.".to_owned()),
        lead_id: Some(LeadId::parse("lead-42").unwrap()),
        student_id: None,
        notification_id: None,
        owner_id: Some(OwnerId::parse("owner-7").unwrap()),
        branch_id: Some(BranchId::parse("hanoi").unwrap()),
        job_id: None,
        full_name: None,
        owner_name: None,
        created_by: Actor::System,
        scheduled_at: None,
    };
    let id = "01936d6a-0000-7000-8000-000000000001".parse().unwrap();
    Message::queued(id, content, Priority::High, None, "2026-11-20T08:00:00Z".parse().unwrap())
}

#[test]
fn the_page_shows_each_fixture_as_it_is() {
    let fixtures = fixtures();
    let shown = DOC.split("<!-- fixture: ").skip(1).map(|rest| {
        let (name, rest) = rest.split_once(" -->\n```json\n").expect("a block of JSON follows");
        let (block, _) = rest.split_once("```").expect("the block ends");
        (name.to_owned(), block.to_owned())
    });
    assert_eq!(shown.collect::<BTreeMap<_, _>>(), fixtures);
}

#[test]
fn the_hand_off_is_what_is_sent() {
    let message = message();
    let lease = "01936d6a-0000-7000-8000-00000000000a".parse().unwrap();
    let body = HandOffBody::new(&message, lease, Some("https://crm.example.vn/api/outbound/callback"));
    assert_eq!(serde_json::to_value(body).unwrap(), fixture("hand-off.json"));
    assert_eq!(message.idempotency_key(), "01936d6a-0000-7000-8000-000000000001:1");
}

#[test]
fn the_callbacks_are_understood_to_the_last_field() {
    let fixtures = fixtures();
    for (name, words) in [
        ("callback-sent.json", vec!["SENT"]),
        ("callback-failed.json", vec!["FAILED"]),
        ("callback-skipped.json", vec!["SKIPPED"]),
        ("callback-array.json", vec!["SENT", "FAILED"]),
        // A repeat's answer settles the message as a callback would.
        ("repeat-answer.json", vec!["SENT"]),
    ] {
        let decoded = N8nCallbacks::default().decode(fixtures[name].as_bytes()).unwrap();
        assert_eq!(decoded.is_array, words.len() > 1, "{name}");
        let read: Vec<_> = decoded.items.iter().map(|item| item.as_ref().unwrap().1.outcome.word()).collect();
        assert_eq!(read, words, "{name}");
    }
}

#[test]
fn the_workflow_answers_a_repeat_as_the_page_says() {
    let receiver = crate::support::flow("outboundReceiver");
    let answer = crate::support::text(receiver.node("Answer the repeat"), "/parameters/responseBody");
    let fields = crate::support::literal_fields(answer.split("JSON.stringify(").nth(1).unwrap());
    let shown = fixture("repeat-answer.json");
    assert!(fields.iter().eq(shown.as_object().unwrap().keys().collect::<std::collections::BTreeSet<_>>()));
}

#[test]
fn the_workflows_ask_for_runs_as_the_page_says() {
    for (flow, node, name) in [
        ("outboundRunWorker", "Run the worker", "run-push.json"),
        ("outboundPull", "Pull a batch", "run-pull.json"),
    ] {
        let flow = crate::support::flow(flow);
        let body = crate::support::text(flow.node(node), "/parameters/jsonBody");
        let said = body.trim_start_matches("={{ JSON.stringify(").trim_end_matches(") }}");
        let shown = fixture(name);
        for (field, value) in shown.as_object().unwrap() {
            let value = value.to_string().replace('"', "'");
            assert!(said.contains(&format!("{field}: {value}")), "{name}: {field} in {said}");
        }
    }
    assert_eq!(fixture("job-update.json")["status"], json!("FAILED"));
}
