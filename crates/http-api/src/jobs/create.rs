//! `POST /api/outbound/jobs`: an AI action asks for messages.

mod form;

use actix_web::web;
use domain::access::Caller;
use domain::ids::JobId;
use domain::job::Job;
use domain::message::{Message, State};
use domain::ports::Stores;
use domain::usecase::jobs::{self as usecase, CreatedJob};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::form::CreateJob;
use self::form::{Many, Request, Whom};
use super::view::{JobView, MessageCounts};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, JobsCreate, May, MessagingCreate};
use crate::idempotency::Once;
use crate::messages::problems::refusal;
use crate::messages::recipients::RejectedRow;
use crate::view::MessageView;
use crate::words::SkipReasonWord;

/// None of the messages has been tried yet.
const NO_RETRIES: u64 = 0;

/// The new job: with its message where one recipient was named, with counts where `recipients` was given.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum CreatedJobAnswer<'a> {
    /// For one recipient.
    One(Box<OneAnswer<'a>>),
    /// For `recipients`.
    Many(Box<ManyAnswer<'a>>),
}

/// A job with one message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneAnswer<'a> {
    outbound_message: MessageView<'a>,
    outbound_job: JobView<'a>,
    /// Whether the message was stored without being queued.
    skipped: bool,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SkipReasonWord>)]
    reason: Option<&'a str>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// A job with many messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManyAnswer<'a> {
    /// Null where every recipient was rejected: then nothing was stored.
    outbound_job: Option<JobView<'a>>,
    /// Messages that were queued.
    created: usize,
    /// Messages that were stored without being queued.
    skipped: usize,
    /// Recipients that were left out.
    rejected: Vec<RejectedRow>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// Creates a job and queues its messages, all or nothing. Several recipients: bad ones are left out and named.
#[utoipa::path(
    post, path = "/api/outbound/jobs", tag = "jobs", request_body = CreateJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses(
        (status = 201, body = CreatedJobAnswer, headers(("Location" = String))),
        (status = 200, description = "Every one of `recipients` was rejected; nothing was stored", body = CreatedJobAnswer),
        (status = 400, body = ErrorBody),
        (status = 404, description = "The contact or template is not known", body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    may: May<JobsCreate>,
    _: May<MessagingCreate>,
    once: Once,
    body: Body<CreateJob>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let request = Request::try_from(body.form)?;
    let actor = may.caller.subject.as_str();
    once.run_whole(&api, actor, &body.raw, async |stores| create_in(&api, stores, &may.caller, request).await)
        .await
}

async fn create_in(
    api: &Api,
    stores: &dyn Stores,
    caller: &Caller,
    request: Request,
) -> Result<Answer, ApiError> {
    let Request { command, whom } = request;
    let created = usecase::create_job(&api.deps(stores), caller, command).await?;
    match whom {
        Whom::One => present_one(created, api.simulated()),
        Whom::Many(many) => present_many(created, many, api.simulated()),
    }
}

/// A single recipient that is wrong is the request's own error.
fn present_one(created: CreatedJob, simulator: Option<bool>) -> Result<Answer, ApiError> {
    let CreatedJob { job, batch } = created;
    if let Some(rejected) = batch.rejected.into_iter().next() {
        return Err(refusal(rejected.problems));
    }
    let (Some(job), Some((_, message))) = (&job, batch.messages.first()) else {
        return Err(ApiError::Internal("one recipient made no message".to_owned()));
    };
    let reason = skip_reason(message);
    let answer = CreatedJobAnswer::One(Box::new(OneAnswer {
        outbound_message: MessageView::from(message),
        outbound_job: JobView::with(job, MessageCounts::of(std::iter::once(message)), NO_RETRIES),
        skipped: reason.is_some(),
        reason,
        simulator,
    }));
    Answer::created(location(job.id), &answer)
}

fn present_many(created: CreatedJob, many: Many, simulator: Option<bool>) -> Result<Answer, ApiError> {
    let CreatedJob { job, batch } = created;
    let messages = || batch.messages.iter().map(|(_, message)| message);
    let skipped = messages().filter(|message| skip_reason(message).is_some()).count();
    let view = |job| JobView::with(job, MessageCounts::of(messages()), NO_RETRIES);
    let answer = CreatedJobAnswer::Many(Box::new(ManyAnswer {
        outbound_job: job.as_ref().map(view),
        created: batch.messages.len() - skipped,
        skipped,
        rejected: many.rejected(batch.rejected),
        simulator,
    }));
    match job {
        Some(Job { id, .. }) => Answer::created(location(id), &answer),
        None => Answer::ok(&answer),
    }
}

fn skip_reason(message: &Message) -> Option<&str> {
    match &message.state {
        State::Skipped { reason } => Some(reason),
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Cancelled => None,
    }
}

fn location(id: JobId) -> String {
    format!("/api/outbound/jobs/{id}")
}
