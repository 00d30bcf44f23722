//! The body of a hand-off (contract §9).

use chrono::SecondsFormat;
use domain::ids::LeaseId;
use domain::message::Message;
use domain::parcel::Parcel;
use serde::Serialize;

/// One hand-off as JSON. What a message does not have is there as `null`, so that a workflow may name every field;
/// `callbackUrl` alone is left out where the server does not know its own address.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandOffBody<'a> {
    message_id: String,
    channel: &'static str,
    to: Option<&'a str>,
    text: &'a str,
    lead_id: Option<&'a str>,
    student_id: Option<&'a str>,
    notification_id: Option<&'a str>,
    template_key: Option<&'a str>,
    created_at: String,
    lease_id: String,
    attempt: u32,
    priority: &'static str,
    owner_id: Option<&'a str>,
    branch_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

impl<'a> HandOffBody<'a> {
    /// The body of a message that is handed off under this lease.
    pub fn new(message: &'a Message, lease: LeaseId, callback_url: Option<&'a str>) -> Self {
        Self::from(Parcel::new(message, lease, callback_url))
    }
}

impl<'a> From<Parcel<'a>> for HandOffBody<'a> {
    fn from(parcel: Parcel<'a>) -> Self {
        Self {
            message_id: parcel.message_id.to_string(),
            channel: parcel.channel.as_str(),
            to: parcel.to.map(|to| to.as_str()),
            text: &parcel.text.0,
            lead_id: parcel.lead_id.map(|id| id.as_str()),
            student_id: parcel.student_id.map(|id| id.as_str()),
            notification_id: parcel.notification_id.map(|id| id.as_str()),
            template_key: parcel.template_key.map(|key| key.as_str()),
            created_at: parcel.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            lease_id: parcel.lease_id.to_string(),
            attempt: parcel.attempt,
            priority: parcel.priority.as_str(),
            owner_id: parcel.owner_id.map(|id| id.as_str()),
            branch_id: parcel.branch_id.map(|id| id.as_str()),
            callback_url: parcel.callback_url,
        }
    }
}
