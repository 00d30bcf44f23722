//! What a hand-off says about a message (contract §9).
//!
//! Push mode posts it to N8N, pull mode answers with it: two adapters write it as JSON, and neither decides what is in
//! it.

use chrono::{DateTime, Utc};

use crate::address::Address;
use crate::channel::Channel;
use crate::ids::{BranchId, LeadId, LeaseId, MessageId, NotificationId, OwnerId, StudentId, TemplateKey};
use crate::message::{Message, Priority, Text};

/// One message as it is handed off. Borrows from the message; its `Debug` shows neither phone nor text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel<'a> {
    /// The message, to be named in the callback.
    pub message_id: MessageId,
    /// The way it goes.
    pub channel: Channel,
    /// Where it goes; `None` where N8N looks the address up by lead or student.
    pub to: Option<&'a Address>,
    /// The text as the customer sees it.
    pub text: &'a Text,
    /// The lead that it is for.
    pub lead_id: Option<&'a LeadId>,
    /// The student that it is for.
    pub student_id: Option<&'a StudentId>,
    /// The CRM notification that it belongs to.
    pub notification_id: Option<&'a NotificationId>,
    /// The template that the text came from.
    pub template_key: Option<&'a TemplateKey>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// The lease that it is handed off under, which the callback may name.
    pub lease_id: LeaseId,
    /// The number of this attempt, from 1, which the callback may name.
    pub attempt: u32,
    /// How urgent it is.
    pub priority: Priority,
    /// Whose message it is.
    pub owner_id: Option<&'a OwnerId>,
    /// The branch that it belongs to.
    pub branch_id: Option<&'a BranchId>,
    /// Where N8N calls back, when this server knows its own address.
    pub callback_url: Option<&'a str>,
}

impl<'a> Parcel<'a> {
    /// The parcel of a message that is handed off under this lease.
    pub fn new(message: &'a Message, lease: LeaseId, callback_url: Option<&'a str>) -> Self {
        let content = &message.content;
        Self {
            message_id: message.id,
            channel: content.channel,
            to: content.to.as_ref(),
            text: &content.text,
            lead_id: content.lead_id.as_ref(),
            student_id: content.student_id.as_ref(),
            notification_id: content.notification_id.as_ref(),
            template_key: content.template_key.as_ref(),
            created_at: message.created_at,
            lease_id: lease,
            attempt: message.attempt,
            priority: message.priority,
            owner_id: content.owner_id.as_ref(),
            branch_id: content.branch_id.as_ref(),
            callback_url,
        }
    }
}
