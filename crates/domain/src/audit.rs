//! Who did what, beyond what the timeline of each message tells.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::actor::Actor;
use crate::ids::AuditId;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What was done.
    pub enum AuditAction {
        /// Messages were cancelled.
        Cancel = "messages.cancel",
        /// Messages were queued anew.
        Requeue = "messages.requeue",
        /// A run of the worker passed the quiet hours.
        IgnoreQuietHours = "dispatch.ignore_quiet_hours",
        /// A template was made.
        TemplateCreate = "template.create",
        /// A template was replaced.
        TemplateUpdate = "template.update",
        /// A template was removed.
        TemplateDelete = "template.delete",
        /// The CRM pushed contacts.
        ContactsPush = "contacts.push",
        /// A push changed the channels that a contact wants nothing from.
        ContactOptOut = "contact.opt_out",
        /// Somebody signed in to the pages.
        SignIn = "sign_in",
    }
}

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id, which grows with time.
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To what: a message's id, a template's key, a contact's id. `None` where it was to several, or to nothing.
    pub subject: Option<String>,
    /// How, by name. Never a phone number or a text.
    pub detail: BTreeMap<String, String>,
}

impl AuditEntry {
    /// A deed of this moment.
    pub fn new(id: Uuid, at: DateTime<Utc>, actor: &Actor, action: AuditAction) -> Self {
        let actor = actor.clone();
        Self { id: AuditId::new(id), at, actor, action, subject: None, detail: BTreeMap::new() }
    }

    /// The same, to this.
    #[must_use]
    pub fn to(self, subject: impl ToString) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }

    /// The same, with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.detail.insert(name.to_owned(), value.to_string());
        self
    }
}
