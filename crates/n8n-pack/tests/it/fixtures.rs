//! The examples of docs/N8N.md are these fixtures, and these fixtures are what is said and read here; `app` posts each
//! to the server.

use std::collections::BTreeMap;
use std::path::Path;

use delivery_n8n::{HandOffBody, N8nCallbacks};
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{BranchId, LeadId, OwnerId, TemplateKey};
use domain::message::{Callback, Content, Message, Outcome, Priority, Text};
use domain::ports::CallbackDecoder as _;
use serde_json::Value;

/// The page about the workflows.
pub(crate) const DOC: &str = include_str!("../../../../docs/N8N.md");

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

fn sent(provider_id: &str, sent_at: Option<&str>) -> Outcome {
    let provider_message_id = Some(provider_id.to_owned());
    Outcome::Sent { provider_message_id, sent_at: sent_at.map(|time| time.parse().unwrap()) }
}

fn failed(error: &str, permanent: bool) -> Outcome {
    Outcome::Failed { error: error.to_owned(), permanent }
}

#[test]
fn the_callbacks_are_understood_to_the_last_field() {
    let fixtures = fixtures();
    let skipped = Outcome::Skipped { reason: "-118: no Zalo account".to_owned() };
    // Messages by the end of their ids.
    for (name, said) in [
        ("callback-sent.json", vec![(1, sent("zalo-1234567890", Some("2026-11-20T08:00:03.500Z")), Some(1))]),
        ("callback-failed.json", vec![(1, failed("-108: the phone number is invalid", true), Some(1))]),
        ("callback-skipped.json", vec![(1, skipped, Some(1))]),
        (
            "callback-array.json",
            vec![(1, sent("sms-1", None), Some(1)), (2, failed("HTTP 503", false), Some(2))],
        ),
        // A repeat's answer settles the message as a callback would.
        ("repeat-answer.json", vec![(1, sent("zalo-1234567890", None), None)]),
    ] {
        let decoded = N8nCallbacks::default().decode(fixtures[name].as_bytes()).unwrap();
        assert_eq!(decoded.is_array, said.len() > 1, "{name}");
        let read: Vec<_> = decoded.items.into_iter().map(Result::unwrap).collect();
        let expected = said.into_iter().map(|(id, outcome, attempt)| {
            let id = format!("01936d6a-0000-7000-8000-{id:012}").parse().unwrap();
            (id, Callback { outcome, attempt, lease: None })
        });
        assert_eq!(read, expected.collect::<Vec<_>>(), "{name}");
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
}
