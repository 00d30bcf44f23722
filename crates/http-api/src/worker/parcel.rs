//! A message as a pull run hands it over: the same shape as what is posted to N8N (contract §9).

use domain::parcel::Parcel;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{ChannelWord, Id, PriorityWord, Time};

/// A message to be sent by the caller, who then calls back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParcelView<'a> {
    message_id: Id,
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// Null where the caller looks the address up by lead or student.
    to: Option<&'a str>,
    text: &'a str,
    lead_id: Option<&'a str>,
    student_id: Option<&'a str>,
    notification_id: Option<&'a str>,
    template_key: Option<&'a str>,
    created_at: Time,
    lease_id: Id,
    attempt: u32,
    #[schema(value_type = PriorityWord)]
    priority: &'static str,
    owner_id: Option<&'a str>,
    branch_id: Option<&'a str>,
    /// Where to call back, where this server knows its own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

impl<'a> From<Parcel<'a>> for ParcelView<'a> {
    fn from(parcel: Parcel<'a>) -> Self {
        let Parcel {
            message_id,
            channel,
            to,
            text,
            lead_id,
            student_id,
            notification_id,
            template_key,
            created_at,
            lease_id,
            attempt,
            priority,
            owner_id,
            branch_id,
            callback_url,
        } = parcel;
        Self {
            message_id: Id(message_id.uuid()),
            channel: channel.as_str(),
            to: to.map(|to| to.as_str()),
            text: &text.0,
            lead_id: lead_id.map(|id| id.as_str()),
            student_id: student_id.map(|id| id.as_str()),
            notification_id: notification_id.map(|id| id.as_str()),
            template_key: template_key.map(|key| key.as_str()),
            created_at: Time(created_at),
            lease_id: Id(lease_id.uuid()),
            attempt,
            priority: priority.as_str(),
            owner_id: owner_id.map(|id| id.as_str()),
            branch_id: branch_id.map(|id| id.as_str()),
            callback_url,
        }
    }
}
