//! `POST /api/outbound/messages/bulk`: queue one text for many recipients.

use actix_web::web;
use domain::access::Caller;
use domain::explain::Language;
use domain::ids::JobId;
use domain::message::Status;
use domain::ports::Stores;
use domain::turns::Turns;
use domain::usecase::create::advise::{Advice, advise};
use domain::usecase::create::notice::Notice;
use domain::usecase::create::{self as usecase, Batch, CreateCommand, Rejected};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dry_run::DryRunQuery;
use super::notice::NoticeView;
use super::problems::refusal;
use super::recipients::{RecipientForm, Recipients, RejectedRow, Rows};
use super::shared::SharedFields;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, InLanguage, May, MessagingCreate, QueryOf};
use crate::fields::Fields;
use crate::idempotency::Once;
use crate::scalar::Values;
use crate::words::{ChannelWord, Id, PriorityWord, Time};

/// Messages to queue. Either `templateKey` or `text` is needed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateMessages {
    #[schema(required)]
    channel: Option<ChannelWord>,
    #[schema(min_length = 1, max_length = 64)]
    template_key: Option<String>,
    /// The text itself, in place of a template.
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// Whom it is for; a bad one is left out and named in the answer.
    #[schema(required, value_type = Vec<RecipientForm>, min_items = 1, max_items = 10000)]
    recipients: Option<Rows>,
    /// Values for the template's variables; each recipient's own win over these.
    variables: Option<Values>,
    priority: Option<PriorityWord>,
    #[schema(min_length = 1, max_length = 64)]
    owner_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    branch_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    notification_id: Option<String>,
    /// RFC 3339; at once where it is missing.
    #[schema(format = DateTime)]
    scheduled_at: Option<String>,
    /// Whether each may be the second of its kind today.
    allow_duplicate: Option<bool>,
    /// A job that the messages are added to.
    #[schema(format = Uuid)]
    job_id: Option<String>,
}

impl Form for CreateMessages {
    /// Ten thousand recipients with their variables.
    const MAX_BYTES: usize = 16 * 1024 * 1024;
    const HAS_DRY_RUN: bool = true;
}

/// A request that was read, with the recipients that can't be.
struct Request {
    command: CreateCommand,
    recipients: Recipients,
}

impl TryFrom<CreateMessages> for Request {
    type Error = ApiError;

    fn try_from(dto: CreateMessages) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let rows = fields.required("recipients", dto.recipients);
        let rows = rows.map(|rows| rows.checked(&mut fields)).unwrap_or_default();
        let mut recipients = Recipients::read(rows);
        let job_id: Option<JobId> = fields.parse("jobId", dto.job_id.as_deref());
        let shared = SharedFields {
            channel: dto.channel.as_ref(),
            template_key: dto.template_key.as_deref(),
            text: dto.text,
            variables: dto.variables,
            priority: dto.priority.as_ref(),
            owner_id: dto.owner_id.as_deref(),
            branch_id: dto.branch_id.as_deref(),
            notification_id: dto.notification_id.as_deref(),
            scheduled_at: dto.scheduled_at.as_deref(),
            allow_duplicate: dto.allow_duplicate,
        };
        let command = shared.command(&mut fields, |_| recipients.take_specs());
        fields
            .finish(command.map(|command| Self { command: CreateCommand { job_id, ..command }, recipients }))
    }
}

/// What became, or in a dry run would become, of the recipients.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedMessages {
    /// Messages that were queued.
    created: usize,
    /// Messages that were stored without being queued: duplicates, and recipients who have opted out.
    skipped: usize,
    /// Recipients that were left out.
    rejected: Vec<RejectedRow>,
    /// The job that the messages were added to.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<Id>,
    /// What only a dry run tells.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Forecast>)]
    forecast: Option<Forecast>,
}

/// What only a dry run tells.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Forecast {
    /// Always true: nothing was stored.
    dry_run: bool,
    /// What is worth knowing about single recipients.
    warnings: Vec<RowNotice>,
    /// What is worth knowing about all.
    notices: Vec<NoticeView>,
    /// When the first are expected to go; missing where that depends on people.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_at: Option<Time>,
}

/// Something worth knowing about one recipient.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowNotice {
    /// Its place in the request, from 0.
    index: usize,
    #[serde(flatten)]
    notice: NoticeView,
}

/// Queues one text for up to 10,000 recipients, in one transaction. Bad recipients are left out and named.
#[utoipa::path(
    post, path = "/api/outbound/messages/bulk", tag = "messages", request_body = CreateMessages,
    params(
        DryRunQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours"),
    ),
    responses(
        (status = 201, description = "At least one message was queued", body = CreatedMessages),
        (status = 200, description = "None was queued, or dryRun", body = CreatedMessages),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "The template or job is not known", body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body", body = ErrorBody),
        (status = 413, description = "The body is larger than 16 MiB", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    may: May<MessagingCreate>,
    once: Once,
    query: QueryOf<DryRunQuery>,
    InLanguage(language): InLanguage,
    body: Body<CreateMessages>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let dry_run = query.0.asked()?;
    let request = Request::try_from(body.form)?;
    if dry_run {
        return foretell(&api, &may.caller, request, language).await;
    }
    let actor = may.caller.subject.as_str();
    once.run(&api, actor, &body.raw, async |stores| {
        check_job(stores, &may.caller, &request.command).await?;
        let batch = usecase::create(&api.deps(stores), &may.caller, &request.command).await?;
        present(batch, request)
    })
    .await
}

async fn check_job(stores: &dyn Stores, caller: &Caller, command: &CreateCommand) -> Result<(), ApiError> {
    match command.job_id {
        Some(id) if stores.job(id, &caller.scope()).await?.is_none() => {
            Err(ApiError::NotFound("jobId: there is no such job".into()))
        }
        Some(_) | None => Ok(()),
    }
}

fn present(batch: Batch, request: Request) -> Result<Answer, ApiError> {
    let Batch { messages, rejected } = batch;
    let skipped = messages.iter().filter(|(_, message)| message.status() == Status::Skipped).count();
    let created = messages.len() - skipped;
    let view = CreatedMessages {
        created,
        skipped,
        rejected: request.recipients.rejected(rejected),
        job_id: request.command.job_id.map(|id| Id(id.uuid())),
        forecast: None,
    };
    if created > 0 { Answer::created_several(&view) } else { Answer::ok(&view) }
}

/// The same report without storing anything, and what is noteworthy.
async fn foretell(
    api: &Api,
    caller: &Caller,
    request: Request,
    language: Language,
) -> Result<Answer, ApiError> {
    let stores = api.stores();
    check_job(stores, caller, &request.command).await?;
    let advice = advise(&api.deps(stores), caller, &request.command, api.gateway.is_some()).await?;
    let Advice { problems, notices, quiet_until: _, expected_at, recipients: rows } = advice;
    if !problems.is_empty() {
        return Err(refusal(problems));
    }
    let calendar = &api.rules.quiet_hours;
    let view = |notice: &Notice| NoticeView::new(notice, language, calendar);
    let (mut created, mut skipped) = (0, 0);
    let (mut rejected, mut warnings) = (Vec::new(), Vec::new());
    let mut turns = Turns::default();
    for (index, row) in rows.into_iter().enumerate() {
        turns.worked(0).await;
        if !row.problems.is_empty() {
            rejected.push(Rejected { index, problems: row.problems });
            continue;
        }
        *(if row.skipped().is_some() { &mut skipped } else { &mut created }) += 1;
        let index = request.recipients.place(index);
        warnings.extend(row.notices.iter().map(|notice| RowNotice { index, notice: view(notice) }));
    }
    Answer::ok(&CreatedMessages {
        created,
        skipped,
        rejected: request.recipients.rejected(rejected),
        job_id: request.command.job_id.map(|id| Id(id.uuid())),
        forecast: Some(Forecast {
            dry_run: true,
            warnings,
            notices: notices.iter().map(view).collect(),
            expected_at: expected_at.map(Time),
        }),
    })
}
