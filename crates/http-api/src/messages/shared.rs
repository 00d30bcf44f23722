//! The fields of messages to queue that are the same for one recipient and for many.

use domain::channel::Channel;
use domain::message::Priority;
use domain::usecase::create::{CreateCommand, RecipientSpec};

use super::create::text_source;
use crate::fields::Fields;
use crate::scalar::Values;
use crate::words::Word;

/// As they were sent.
pub(super) struct SharedFields<'a> {
    pub(super) channel: Option<&'a Word<Channel>>,
    pub(super) template_key: Option<&'a str>,
    pub(super) text: Option<String>,
    pub(super) variables: Option<Values>,
    pub(super) priority: Option<&'a Word<Priority>>,
    pub(super) owner_id: Option<&'a str>,
    pub(super) branch_id: Option<&'a str>,
    pub(super) notification_id: Option<&'a str>,
    pub(super) scheduled_at: Option<&'a str>,
    pub(super) allow_duplicate: Option<bool>,
}

impl SharedFields<'_> {
    /// The command for these recipients; `None` where channel or text can't be read. What is wrong goes to `fields`.
    pub(super) fn command(
        self,
        fields: &mut Fields,
        recipients: impl FnOnce(&mut Fields) -> Vec<RecipientSpec>,
    ) -> Option<CreateCommand> {
        let channel = fields.required("channel", self.channel);
        let channel = fields.word("channel", channel);
        let source = text_source(fields, self.template_key, self.text);
        let recipients = recipients(fields);
        let priority = fields.word("priority", self.priority).unwrap_or(Priority::Medium);
        let owner_id = fields.parse("ownerId", self.owner_id);
        let branch_id = fields.parse("branchId", self.branch_id);
        let notification_id = fields.parse("notificationId", self.notification_id);
        let scheduled_at = fields.time("scheduledAt", self.scheduled_at);
        channel.zip(source).map(|(channel, source)| CreateCommand {
            channel,
            source,
            recipients,
            variables: self.variables.unwrap_or_default().0,
            priority,
            owner_id,
            branch_id,
            notification_id,
            scheduled_at,
            allow_duplicate: self.allow_duplicate.unwrap_or(false),
            job_id: None,
        })
    }
}
