//! A body for each operation, to start from. The people are the demo's.

use serde_json::{Map, Value, json};

pub(super) fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let body = operation.get_mut("requestBody");
    let content =
        body.and_then(|body| body.pointer_mut("/content/application~1json")).and_then(Value::as_object_mut);
    if let (Some(content), Some(example)) = (content, example(path, method)) {
        content.insert("example".to_owned(), example);
    }
}

fn example(path: &str, method: &str) -> Option<Value> {
    const ID: &str = "01a20abb-79a3-75f2-a0c7-8e88f3a02f16";
    let template = |key: &str| {
        let mut template = json!({
            "title": "Nhắc lịch học", "channel": "SMS", "body": "Chào {{ name }}, lớp học bắt đầu lúc {{ startsAt }}.",
        });
        if !key.is_empty()
            && let Some(template) = template.as_object_mut()
        {
            template.insert("key".to_owned(), json!(key));
        }
        template
    };
    Some(match (method, path.strip_prefix("/api/").unwrap_or(path)) {
        ("post", "outbound/messages") => json!({
            "channel": "SMS", "templateKey": "remind_paid50", "leadId": "lead-01", "priority": "HIGH",
        }),
        ("post", "outbound/messages/bulk") => json!({
            "channel": "ZALO", "templateKey": "remind_remaining",
            "recipients": [{"leadId": "lead-01", "variables": {"remaining": "1.500.000 đ"}}, {"to": "0901234567"}],
        }),
        ("post", "outbound/messages/cancel") => json!({"ids": [ID]}),
        ("post", "outbound/messages/requeue") => {
            json!({"filter": {"status": "FAILED", "failureKind": "DEAD"}})
        }
        ("post", "outbound/dispatch") => json!({"limit": 20}),
        ("post", "outbound/jobs") => json!({
            "actionKey": "remind_fee", "suggestionId": "suggestion-1", "title": "Nhắc học phí", "channel": "SMS",
            "templateKey": "remind_paid50", "leadId": "lead-02",
        }),
        ("patch", "outbound/jobs/{id}") => json!({"status": "DISPATCHED", "runId": "231"}),
        ("post", "outbound/templates") => template("remind_start"),
        ("put", "outbound/templates/{key}") => template(""),
        ("post", "outbound/templates/{key}/preview") => {
            json!({"leadId": "lead-01", "variables": {"startsAt": "18:00"}})
        }
        ("put", "outbound/contacts") => json!({"contacts": [{
            "leadId": "lead-100", "fullName": "Nguyễn Thị Lan", "phone": "0901234567", "ownerId": "u1",
            "ownerName": "Trần Hoa", "branchId": "b1", "optedOutChannels": [],
        }]}),
        ("post", "worker/outbound") => {
            json!({"batchSize": 20, "concurrency": 5, "dryRun": false, "retryFailedOnly": false})
        }
        ("post", "worker/outbound/heartbeat") => json!({"leaseId": ID, "extendSeconds": 60}),
        ("post", "outbound/callback") => {
            json!({"messageId": ID, "status": "SENT", "providerMessageId": "zalo-8812", "attempt": 1})
        }
        _ => return None,
    })
}
