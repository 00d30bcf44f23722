//! What an AI action asks for.

use std::collections::BTreeMap;

use domain::message::Priority;
use domain::usecase::create::{CreateCommand, RecipientSpec};
use domain::usecase::jobs as usecase;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::Form;
use crate::fields::Fields;
use crate::messages::create::text_source;
use crate::messages::recipients::{RecipientForm, Recipients, Rows};
use crate::scalar::Values;
use crate::texts;
use crate::words::{ChannelWord, PriorityWord};

/// A job to create with its messages. Either `templateKey` or `text` is needed; and either `recipients`, or at least
/// one of `leadId`, `studentId` and `to`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateJob {
    /// What people call it; the action's key where it is missing.
    #[schema(max_length = 200)]
    title: Option<String>,
    /// A note for people.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// The AI suggestion that it comes from.
    #[schema(min_length = 1, max_length = 64)]
    suggestion_id: Option<String>,
    /// The AI action that it comes from.
    #[schema(min_length = 1, max_length = 64)]
    action_key: Option<String>,
    /// The CRM task that it belongs to.
    #[schema(min_length = 1, max_length = 64)]
    task_id: Option<String>,
    #[schema(required)]
    channel: Option<ChannelWord>,
    #[schema(min_length = 1, max_length = 64)]
    template_key: Option<String>,
    /// The text itself, in place of a template.
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// A lead that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    lead_id: Option<String>,
    /// A student that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    student_id: Option<String>,
    /// A phone number, or a Facebook page-scoped id; wins over the contact's.
    to: Option<String>,
    /// Many recipients in place of one.
    #[schema(value_type = Option<Vec<RecipientForm>>, min_items = 1, max_items = 10000)]
    recipients: Option<Rows>,
    /// Values for the template's variables.
    variables: Option<Values>,
    priority: Option<PriorityWord>,
    /// Whose job and messages they are; otherwise the contact's owner.
    #[schema(min_length = 1, max_length = 64)]
    owner_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    branch_id: Option<String>,
    /// RFC 3339; at once where it is missing.
    #[schema(format = DateTime)]
    scheduled_at: Option<String>,
    /// Whether the messages may be the second of their kind today.
    allow_duplicate: Option<bool>,
}

impl Form for CreateJob {
    /// Ten thousand recipients with their variables.
    const MAX_BYTES: usize = 16 * 1024 * 1024;
}

/// Recipients that were given as a list.
pub(super) type Many = Recipients;

/// Whom the job writes to.
pub(super) enum Whom {
    /// The one recipient of the request.
    One,
    /// The list of the request.
    Many(Many),
}

/// A job that is asked for.
pub(super) struct Request {
    pub(super) command: usecase::CreateJob,
    pub(super) whom: Whom,
}

impl TryFrom<CreateJob> for Request {
    type Error = ApiError;

    fn try_from(mut form: CreateJob) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let (recipients, whom) = match form.recipients.take() {
            Some(many) => form.many(&mut fields, many),
            None => (vec![form.one(&mut fields)], Whom::One),
        };
        let channel = fields.required("channel", form.channel.as_ref());
        let channel = fields.word("channel", channel);
        let source = text_source(&mut fields, form.template_key.as_deref(), form.text.take());
        let priority = fields.word("priority", form.priority.as_ref()).unwrap_or(Priority::Medium);
        let owner_id = fields.parse("ownerId", form.owner_id.as_deref());
        let branch_id = fields.parse("branchId", form.branch_id.as_deref());
        let scheduled_at = fields.time("scheduledAt", form.scheduled_at.as_deref());
        let title = texts::line(&mut fields, "title", form.title.as_deref());
        let note = texts::note(&mut fields, "note", form.note.as_deref());
        let action_key = fields.parse("actionKey", form.action_key.as_deref());
        let suggestion_id = fields.parse("suggestionId", form.suggestion_id.as_deref());
        let task_id = fields.parse("taskId", form.task_id.as_deref());
        let messages = channel.zip(source).map(|(channel, source)| CreateCommand {
            channel,
            source,
            recipients,
            variables: form.variables.unwrap_or_default().0,
            priority,
            owner_id,
            branch_id,
            notification_id: None,
            scheduled_at,
            allow_duplicate: form.allow_duplicate.unwrap_or(false),
            job_id: None,
        });
        let command = messages.map(|messages| usecase::CreateJob {
            title,
            action_key,
            suggestion_id,
            task_id,
            note,
            messages,
        });
        fields.finish(command.map(|command| Self { command, whom }))
    }
}

impl CreateJob {
    /// The recipient that the request itself names.
    fn one(&mut self, fields: &mut Fields) -> RecipientSpec {
        RecipientSpec {
            lead_id: fields.parse("leadId", self.lead_id.as_deref()),
            student_id: fields.parse("studentId", self.student_id.as_deref()),
            to: self.to.take(),
            variables: BTreeMap::new(),
        }
    }

    fn many(&self, fields: &mut Fields, rows: Rows) -> (Vec<RecipientSpec>, Whom) {
        let also = [("leadId", &self.lead_id), ("studentId", &self.student_id), ("to", &self.to)];
        for (path, _) in also.iter().filter(|(_, value)| value.is_some()) {
            fields.wrong(*path, "must not be given together with recipients");
        }
        let mut recipients = Recipients::read(rows.checked(fields));
        (recipients.take_specs(), Whom::Many(recipients))
    }
}
