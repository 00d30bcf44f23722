//! The domain as clients see it (contract §9).

use domain::message::{FailureKind, Message, State, Status, timeline};
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{ChannelWord, EntryKindWord, FailureKindWord, Id, PriorityWord, StatusWord, Time};

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageView<'a> {
    id: Id,
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// A phone number in E.164, or a provider's id; null where N8N looks it up.
    to: Option<&'a str>,
    template_key: Option<&'a str>,
    /// The text as the customer sees it.
    rendered_text: &'a str,
    #[schema(value_type = StatusWord)]
    status: &'static str,
    #[schema(value_type = PriorityWord)]
    priority: &'static str,
    /// The last error, or why it was skipped.
    error: Option<&'a str>,
    lead_id: Option<&'a str>,
    student_id: Option<&'a str>,
    notification_id: Option<&'a str>,
    owner_id: Option<&'a str>,
    branch_id: Option<&'a str>,
    job_id: Option<Id>,
    /// The number of the attempt under way or next, from 1.
    attempt: u32,
    /// How many attempts failed.
    retry_count: u32,
    /// What a FAILED message waits for: its retry, a person (DEAD), or a late callback or a person (HELD).
    #[schema(value_type = Option<FailureKindWord>)]
    failure_kind: Option<&'static str>,
    /// When the next attempt is due.
    next_attempt_at: Option<Time>,
    scheduled_at: Option<Time>,
    provider_message_id: Option<&'a str>,
    lease_id: Option<Id>,
    /// When the lease, or the wait for a callback, ends.
    lease_expires_at: Option<Time>,
    dispatched_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    sent_at: Option<Time>,
    /// Where anything is known of the recipient.
    contact: Option<ContactView<'a>>,
}

/// What is known of the recipient.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactView<'a> {
    full_name: Option<&'a str>,
    owner_name: Option<&'a str>,
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        // Every field is named, so that a new one can't be forgotten here.
        let Message {
            id,
            content,
            priority,
            attempt,
            retry_count,
            handoff_failures: _,
            lost_leases: _,
            attempted: _,
            created_at,
            updated_at,
            state,
            revision: _,
        } = message;
        let sent = match state {
            State::Sent(sent) => Some(sent),
            State::Queued(_)
            | State::Leased(_)
            | State::Dispatched(_)
            | State::Failed(_)
            | State::Skipped { .. }
            | State::Cancelled => None,
        };
        let (full_name, owner_name) = (content.full_name.as_deref(), content.owner_name.as_deref());
        let known = full_name.is_some() || owner_name.is_some();
        Self {
            id: Id(id.uuid()),
            channel: content.channel.as_str(),
            to: content.to.as_ref().map(|to| to.as_str()),
            template_key: content.template_key.as_ref().map(|key| key.as_str()),
            rendered_text: &content.text.0,
            status: state.status().as_str(),
            priority: priority.as_str(),
            error: state.error(),
            lead_id: content.lead_id.as_ref().map(|id| id.as_str()),
            student_id: content.student_id.as_ref().map(|id| id.as_str()),
            notification_id: content.notification_id.as_ref().map(|id| id.as_str()),
            owner_id: content.owner_id.as_ref().map(|id| id.as_str()),
            branch_id: content.branch_id.as_ref().map(|id| id.as_str()),
            job_id: content.job_id.map(|id| Id(id.uuid())),
            attempt: *attempt,
            retry_count: *retry_count,
            failure_kind: state.failure_kind().map(FailureKind::as_str),
            next_attempt_at: state.due_at().map(Time),
            scheduled_at: content.scheduled_at.map(Time),
            provider_message_id: sent.and_then(|sent| sent.provider_message_id.as_deref()),
            lease_id: state.lease_id().map(|id| Id(id.uuid())),
            lease_expires_at: state.lease_expires_at().map(Time),
            dispatched_at: state.dispatched_at().map(Time),
            created_at: Time(*created_at),
            updated_at: Time(*updated_at),
            sent_at: sent.map(|sent| Time(sent.sent_at)),
            contact: known.then_some(ContactView { full_name, owner_name }),
        }
    }
}

/// One line of a message's timeline: one transition.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineView {
    at: Time,
    /// What happened.
    #[schema(value_type = EntryKindWord)]
    kind: &'static str,
    /// The status before; null for the creation.
    #[schema(value_type = Option<StatusWord>)]
    from: Option<&'static str>,
    /// The status after.
    #[schema(value_type = StatusWord)]
    to: &'static str,
    /// By whom: `user:<id>`, `cli:<user of the machine>`, `worker`, `n8n`, `service` or `system`.
    by: String,
    /// The attempt that it is about.
    attempt: u32,
    lease_id: Option<Id>,
    /// Error, reason or provider id, for people.
    detail: Option<String>,
}

impl From<timeline::Line> for LineView {
    fn from(line: timeline::Line) -> Self {
        let timeline::Line { at, kind, from, to, by, attempt, lease, detail } = line;
        Self {
            at: Time(at),
            kind: kind.as_str(),
            from: from.map(Status::as_str),
            to: to.as_str(),
            by: by.to_string(),
            attempt,
            lease_id: lease.map(|id| Id(id.uuid())),
            detail,
        }
    }
}
