//! `POST /api/outbound/callback`: N8N says what became of messages.

mod sender;

use actix_web::web;
use domain::ids::MessageId;
use domain::message::{Callback, Illegal, Outcome};
use domain::ports::{CallbackError, CallbackItemError, DecodedCallbacks, Trust};
use domain::usecase::record_callbacks::{Recorded, record_callbacks};
use serde::Serialize;
use utoipa::ToSchema;

use self::sender::FromN8n;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::meter::CallbackResult;
use crate::together::AtOnce;
use crate::words::{Id, Time};

/// What N8N says about one message. Fields of its own may be there too.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "says what the port reads: N8N's own language is the decoder's matter")]
struct CallbackForm {
    /// As the hand-off named it.
    message_id: Id,
    status: CallbackStatus,
    /// The provider's own id of what was sent.
    provider_message_id: Option<String>,
    /// Why it failed or was skipped.
    error: Option<String>,
    /// When it was sent: between the message's creation and 5 minutes from now.
    sent_at: Option<Time>,
    /// Whether a retry of the failed message would be in vain.
    permanent: Option<bool>,
    /// The attempt that it is about, as the hand-off named it.
    attempt: Option<u32>,
    /// The lease that it is about, as the hand-off named it.
    lease_id: Option<Id>,
}

/// What became of a message.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "as above")]
enum CallbackStatus {
    Sent,
    Failed,
    Skipped,
}

/// The answer to one callback, or to an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum CallbackAnswer {
    /// To one.
    One {
        ok: bool,
        /// Whether it changed the message; false when it was known already.
        applied: bool,
    },
    /// To an array.
    Many {
        /// Whether no item has an error.
        ok: bool,
        results: Vec<ItemAnswer>,
    },
}

/// The answer to one item of an array.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemAnswer {
    /// As the item gave it; null where it gave none.
    message_id: Option<String>,
    applied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError>,
}

/// What is wrong with one item.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemError {
    /// The code that the item alone would be answered with.
    code: &'static str,
    message: String,
}

/// N8N says what became of one message, or of up to 1,000 in an array. Repeats are answered with `applied: false`.
#[utoipa::path(
    post, path = "/api/outbound/callback", tag = "callback",
    request_body(content = CallbackForm, description = "One callback, or an array of them"),
    responses(
        (status = 200, body = CallbackAnswer),
        (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "There is no such message", body = ErrorBody),
        (status = 409, description = "The message was never handed off", body = ErrorBody),
    ),
    security(("callbackSecret" = []))
)]
pub(crate) async fn receive(
    body: FromN8n,
    api: web::Data<Api>,
    at_once: web::Data<AtOnce>,
) -> Result<Answer, ApiError> {
    let FromN8n(body, trust) = body;
    let decoded = api.callbacks.decode(&body).map_err(unreadable)?;
    let is_array = decoded.is_array;
    let is_late = |item: &Result<(MessageId, Callback), _>| {
        item.as_ref().is_ok_and(|(_, callback)| !trust.covers(callback))
    };
    let none_is_left = !decoded.items.is_empty() && decoded.items.iter().all(is_late);
    let mut outcomes = record_to_the_end(&api, &at_once, decoded, trust).await?;
    if none_is_left {
        return Err(late());
    }
    if is_array {
        let results: Vec<_> = outcomes.into_iter().map(|(id, outcome)| item_answer(id, outcome)).collect();
        return Answer::ok(&CallbackAnswer::Many {
            ok: results.iter().all(|item| item.error.is_none()),
            results,
        });
    }
    match outcomes.pop() {
        Some((_, outcome)) => Answer::ok(&CallbackAnswer::One { ok: true, applied: outcome? }),
        None => Err(ApiError::Internal("one callback had no outcome".to_owned())),
    }
}

/// What came of one callback, with the messageId as it was given.
type ItemOutcome = (Option<String>, Result<bool, ApiError>);

/// Records what could be read and is believed, also when the caller hangs up in between. Answers in the order given.
async fn record_to_the_end(
    api: &Api,
    at_once: &AtOnce,
    decoded: DecodedCallbacks,
    trust: Trust,
) -> Result<Vec<ItemOutcome>, ApiError> {
    let readable = decoded.items.iter().flatten();
    let believed: Vec<(MessageId, Callback)> =
        readable.filter(|(_, callback)| trust.covers(callback)).cloned().collect();
    let recorded = match believed.as_slice() {
        [(id, callback)] => vec![at_once.record(*id, callback.clone()).await?],
        _ => {
            let of_work = api.clone();
            let work = async move { Ok(record_callbacks(&of_work.deps(of_work.stores()), &believed).await?) };
            api.background.run(work).await?
        }
    };
    let mut recorded = recorded.into_iter();
    let outcomes = decoded.items.into_iter().map(|item| match item {
        Ok((id, callback)) => {
            let outcome = if trust.covers(&callback) {
                recorded.next().map_or_else(|| Err(unanswered()), applied)
            } else {
                Err(late())
            };
            note(api, id, &callback.outcome, result(&outcome));
            (Some(id.to_string()), outcome)
        }
        Err(CallbackItemError { index: _, message_id, field, reason }) => {
            api.meter.called_back(None, CallbackResult::Refused);
            (message_id, Err(ApiError::field(field, reason)))
        }
    });
    Ok(outcomes.collect())
}

/// Counts, traces and logs a callback.
fn note(api: &Api, id: MessageId, outcome: &Outcome, result: CallbackResult) {
    api.meter.called_back(Some(outcome), result);
    let word = match outcome {
        Outcome::Sent { .. } => "SENT",
        Outcome::Failed { .. } => "FAILED",
        Outcome::Skipped { .. } => "SKIPPED",
    };
    let applied = match result {
        CallbackResult::Applied => "true",
        CallbackResult::Unchanged => "false",
        CallbackResult::Refused => "error",
    };
    tracing::debug!(message_id = %id, outcome = word, applied, "callback");
    if let Some(tracer) = &api.tracer {
        tracer.called_back(id, word, applied);
    }
}

/// The request may be one that somebody recorded, and the message's next attempt under way.
fn late() -> ApiError {
    let why = "it was not signed just now, and a FAILED or SKIPPED that names no attempt counts for a minute only: name \
               `attempt` or `leaseId` as the hand-off did";
    ApiError::Forbidden(why.into())
}

fn unanswered() -> ApiError {
    ApiError::Internal("a callback had no outcome".to_owned())
}

/// Whether a callback changed its message, or why it can't.
fn applied(recorded: Recorded) -> Result<bool, ApiError> {
    match recorded {
        Recorded::Applied => Ok(true),
        Recorded::Unchanged => Ok(false),
        Recorded::Unknown => Err(ApiError::NotFound("there is no such message".into())),
        Recorded::Contended => {
            Err(ApiError::TryAgain("the message kept changing; send this callback again".into()))
        }
        Recorded::Illegal(Illegal::SentAt) => Err(ApiError::field("sentAt", Illegal::SentAt.to_string())),
        Recorded::Illegal(
            illegal @ (Illegal::NotDue(_)
            | Illegal::StaleLease(_)
            | Illegal::NeverAttempted(_)
            | Illegal::NotFrom(..)),
        ) => Err(ApiError::Conflict(illegal.to_string().into())),
    }
}

/// The same, to be counted.
const fn result(outcome: &Result<bool, ApiError>) -> CallbackResult {
    match outcome {
        Ok(true) => CallbackResult::Applied,
        Ok(false) => CallbackResult::Unchanged,
        Err(_) => CallbackResult::Refused,
    }
}

fn item_answer(message_id: Option<String>, outcome: Result<bool, ApiError>) -> ItemAnswer {
    match outcome {
        Ok(applied) => ItemAnswer { message_id, applied, error: None },
        Err(error) => {
            let error = ItemError { code: error.code(), message: error.message().into_owned() };
            ItemAnswer { message_id, applied: false, error: Some(error) }
        }
    }
}

fn unreadable(error: CallbackError) -> ApiError {
    ApiError::field("", error.to_string())
}
