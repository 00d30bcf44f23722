//! What N8N gets.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use delivery_n8n::{N8nCallbacks, N8nSettings, Secret};
use domain::ids::{BranchId, LeadId, NotificationId, OwnerId, StudentId, TemplateKey};
use domain::message::{Message, Priority};
use domain::ports::{CallbackDecoder as _, DeliveryGateway as _, HandOff, Trust, WebhookHeaders};
use serde_json::json;
use test_support::scripted_n8n::{Reaction, ScriptedN8n};

use crate::support::{gateway, gateway_with, hand_off, lease, message, now, settings};

#[tokio::test]
async fn a_hand_off_names_every_field_and_those_without_a_value_as_null() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    hand_off(&gateway(&n8n.url())).await;
    let expected = json!({
        "messageId": "00000000-0000-0000-0000-000000000001", "channel": "SMS", "to": "+84901234567",
        "text": "Chào Lan", "leadId": null, "studentId": null, "notificationId": null, "templateKey": null,
        "createdAt": "2026-11-20T08:00:00.123Z", "leaseId": "00000000-0000-0000-0000-00000000000a", "attempt": 1,
        "priority": "MEDIUM", "ownerId": null, "branchId": null,
    });
    assert_eq!(n8n.log().hand_offs[0].body, expected);
}

#[tokio::test]
async fn a_hand_off_carries_all_that_the_message_has() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let callback_url = Some("https://crm.example.vn/api/outbound/callback".to_owned());
    let gateway = gateway_with(N8nSettings { callback_url, ..settings(&n8n.url()) }).unwrap();
    let plain = message("0901234567");
    let mut content = plain.content.clone();
    content.lead_id = Some(LeadId::parse("lead").unwrap());
    content.student_id = Some(StudentId::parse("student").unwrap());
    content.notification_id = Some(NotificationId::parse("notification").unwrap());
    content.template_key = Some(TemplateKey::parse("template").unwrap());
    content.owner_id = Some(OwnerId::parse("owner").unwrap());
    content.branch_id = Some(BranchId::parse("branch").unwrap());
    let full = Message { content, attempt: 3, priority: Priority::High, ..plain };
    gateway.hand_off(HandOff { message: &full, lease: lease(), traceparent: Some("00-trace-span-01") }).await;
    let log = n8n.log();
    let body = &log.hand_offs[0].body;
    let fields = [
        "leadId",
        "studentId",
        "notificationId",
        "templateKey",
        "ownerId",
        "branchId",
        "attempt",
        "priority",
    ];
    let values = fields.map(|field| body[field].clone());
    assert_eq!(
        json!(values),
        json!(["lead", "student", "notification", "template", "owner", "branch", 3, "HIGH"])
    );
    assert_eq!(body["callbackUrl"], "https://crm.example.vn/api/outbound/callback");
    assert_eq!(log.hand_offs[0].idempotency_key, "00000000-0000-0000-0000-000000000001:3");
    assert_eq!(log.hand_offs[0].header("traceparent"), Some("00-trace-span-01"));
}

#[tokio::test]
async fn a_hand_off_says_who_sends_it_and_is_unsigned_without_a_secret() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    hand_off(&gateway(&n8n.url())).await;
    let log = n8n.log();
    let received = &log.hand_offs[0];
    assert_eq!(received.path, "/webhook/outbound");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("user-agent"), Some(concat!("outbound/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(received.header("idempotency-key"), Some("00000000-0000-0000-0000-000000000001:1"));
    assert_eq!(received.header("webhook-signature"), None);
    assert_eq!(received.header("traceparent"), None, "nobody traces");
}

#[tokio::test]
async fn a_hand_off_is_signed_so_that_n8n_can_verify_its_very_bytes() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let secret = || vec![Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
    hand_off(&gateway_with(N8nSettings { secrets: secret(), ..settings(&n8n.url()) }).unwrap()).await;
    let log = n8n.log();
    let received = &log.hand_offs[0];
    let header = |name| received.header(name).unwrap_or_default();
    assert_eq!(header("webhook-id"), received.idempotency_key);
    let headers = WebhookHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    assert_eq!(N8nCallbacks::new(secret()).verify(&headers, &received.raw, now()), Ok(Trust::Whole));
}

#[tokio::test]
async fn hand_offs_are_spaced_evenly_where_a_rate_is_set() {
    let paced = N8nSettings { max_per_second: NonZeroU32::new(50), ..settings("http://127.0.0.1:9/") };
    let gateway = gateway_with(paced).unwrap();
    let start = Instant::now();
    for _ in 0..11 {
        gateway.pace().await;
    }
    assert!(start.elapsed() >= Duration::from_millis(200), "eleven at 50 a second in {:?}", start.elapsed());
}

#[test]
fn an_address_that_is_none_is_refused_at_the_start() {
    for url in ["", "n8n:5678/webhook", "ftp://n8n/"] {
        assert!(gateway_with(settings(url)).is_err(), "{url}");
    }
}
