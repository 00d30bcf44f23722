//! What cancel and requeue have in common: one message, several by id, or all that match.

mod selection;

use actix_web::web::{Bytes, Data};
use domain::access::{Caller, Scope};
use domain::actor::Actor;
use domain::ids::MessageId;
use domain::ports::{Filter, Stores};
use domain::usecase::manage::{Act, Counts, Managed, manage, manage_matching};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::selection::Select;
use self::selection::Selection;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::ApiError;
use crate::extract::{Body, Form};
use crate::idempotency::Once;
use crate::view::MessageView;
use crate::words::Id;

/// Nothing: what is to be done is in the path.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Form for Nothing {
    const MAY_BE_EMPTY: bool = true;
}

/// The message as it is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedMessage<'a> {
    outbound_message: MessageView<'a>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// What became of several messages.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ManagedMessages {
    /// For ids.
    ByIds {
        /// Whether none was refused.
        ok: bool,
        /// How many changed.
        changed: usize,
        /// Those that did not.
        refused: Vec<Refused>,
    },
    /// For a filter.
    ByFilter {
        /// Whether none was refused.
        ok: bool,
        /// How many changed.
        changed: u64,
        /// How many match and did not, because of their status.
        refused: u64,
    },
}

/// A message that did not change.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refused {
    id: Id,
    /// The code that it alone would be answered with.
    #[schema(example = "CONFLICT")]
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(id: MessageId, error: &ApiError) -> Self {
        Self { id: Id(id.uuid()), code: error.code(), message: error.message().into_owned() }
    }
}

/// Does it to one message.
pub(super) async fn one(
    api: &Api,
    once: &Once,
    act: Act,
    caller: &Caller,
    id: MessageId,
    raw: &[u8],
) -> Result<Answer, ApiError> {
    let actor = caller.subject.as_str();
    once.run_whole(api, actor, raw, async |stores| {
        let managed = manage(&api.deps(stores), act, &by(caller), &caller.scope(), &[id]).await?;
        match (managed.changed.first(), refusals(&managed).into_iter().next()) {
            (Some(message), _) => {
                let outbound_message = MessageView::from(message);
                Answer::ok(&ManagedMessage { outbound_message, simulator: api.simulated() })
            }
            (None, Some((_, error))) => Err(error),
            (None, None) => Err(ApiError::Internal("one message was neither changed nor refused".to_owned())),
        }
    })
    .await
}

/// Does it to those that the body selects.
pub(super) async fn many(
    api: Data<Api>,
    once: Once,
    act: Act,
    caller: &Caller,
    body: Body<Select>,
) -> Result<Answer, ApiError> {
    let actor = caller.subject.as_str();
    match body.form.selection(&api.rules.quiet_hours)? {
        Selection::Ids(ids) => {
            let work = async |stores: &dyn Stores| by_ids(&api, stores, act, caller, &ids).await;
            once.run_whole(&api, actor, &body.raw, work).await
        }
        Selection::Filter(filter) => by_filter(&api, once, act, caller, *filter, body.raw).await,
    }
}

async fn by_ids(
    api: &Api,
    stores: &dyn Stores,
    act: Act,
    caller: &Caller,
    ids: &[MessageId],
) -> Result<Answer, ApiError> {
    let managed = manage(&api.deps(stores), act, &by(caller), &caller.scope(), ids).await?;
    let refused: Vec<_> = refusals(&managed).iter().map(|(id, error)| Refused::new(*id, error)).collect();
    Answer::ok(&ManagedMessages::ByIds { ok: refused.is_empty(), changed: managed.changed.len(), refused })
}

/// In portions, each done when it is done: a million messages are too many for one transaction. It goes on when the
/// client hangs up, and may be asked for again.
async fn by_filter(
    api: &Api,
    once: Once,
    act: Act,
    caller: &Caller,
    filter: Filter,
    raw: Bytes,
) -> Result<Answer, ApiError> {
    let work = {
        let (api, by, scope): (Api, Actor, Scope) = (api.clone(), by(caller), caller.scope());
        async move {
            let deps = api.deps(api.stores());
            let counts = manage_matching(&deps, act, &by, &scope, &filter, &mut |_| ()).await?;
            let Counts { changed, refused } = counts;
            Answer::ok(&ManagedMessages::ByFilter { ok: refused == 0, changed, refused })
        }
    };
    once.run_reserved(api, caller.subject.as_str(), &raw, work).await
}

fn by(caller: &Caller) -> Actor {
    Actor::User(caller.subject.clone())
}

/// Each message that did not change, with what it alone would be answered with.
fn refusals(managed: &Managed) -> Vec<(MessageId, ApiError)> {
    let Managed { changed: _, refused, unknown, contended } = managed;
    let refused = refused.iter().map(|(id, illegal)| (*id, ApiError::Conflict(illegal.to_string().into())));
    let unknown = unknown.iter().map(|id| (*id, ApiError::NotFound("there is no such message".into())));
    let contended =
        contended.iter().map(|id| (*id, ApiError::TryAgain("the message kept changing; ask again".into())));
    refused.chain(unknown).chain(contended).collect()
}
