//! What is sent: a row of `outbound_message`.

use chrono::{DateTime, Utc};
use diesel::Queryable;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::JobId;
use domain::message::{Content, Text};
use domain::ports::StoreError;
use uuid::Uuid;

use super::{columns, corrupt, read, read_option};

columns!(outbound_message: id, channel, recipient, template_key, body, lead_id, student_id, notification_id, owner_id,
    branch_id, job_id, full_name, owner_name, created_by, created_at, scheduled_at);

/// The row.
#[derive(Queryable)]
pub(crate) struct ContentRow {
    pub(crate) id: Uuid,
    channel: String,
    recipient: Option<String>,
    template_key: Option<String>,
    body: String,
    lead_id: Option<String>,
    student_id: Option<String>,
    notification_id: Option<String>,
    owner_id: Option<String>,
    branch_id: Option<String>,
    job_id: Option<Uuid>,
    full_name: Option<String>,
    owner_name: Option<String>,
    created_by: String,
    pub(crate) created_at: DateTime<Utc>,
    scheduled_at: Option<DateTime<Utc>>,
}

impl TryFrom<ContentRow> for Content {
    type Error = StoreError;

    fn try_from(row: ContentRow) -> Result<Self, StoreError> {
        let channel: Channel = read("channel", &row.channel)?;
        Ok(Self {
            channel,
            to: row.recipient.map(|text| address(channel, &text)).transpose()?,
            template_key: read_option("template_key", row.template_key.as_deref())?,
            text: Text(row.body),
            lead_id: read_option("lead_id", row.lead_id.as_deref())?,
            student_id: read_option("student_id", row.student_id.as_deref())?,
            notification_id: read_option("notification_id", row.notification_id.as_deref())?,
            owner_id: read_option("owner_id", row.owner_id.as_deref())?,
            branch_id: read_option("branch_id", row.branch_id.as_deref())?,
            job_id: row.job_id.map(JobId::new),
            full_name: row.full_name,
            owner_name: row.owner_name,
            created_by: read("created_by", &row.created_by)?,
            scheduled_at: row.scheduled_at,
        })
    }
}

/// An address is stored as the domain wrote it; reading must not turn it into another.
fn address(channel: Channel, text: &str) -> Result<Address, StoreError> {
    let address = Address::parse(channel, text).map_err(|error| corrupt("recipient", error))?;
    if address.as_str() == text { Ok(address) } else { Err(corrupt("recipient", "not in its normal form")) }
}
