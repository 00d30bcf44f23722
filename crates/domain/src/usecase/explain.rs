//! Why a message has not gone yet: what is known of the queue is read here, and [`crate::explain`] decides.

use super::Deps;
use crate::explain::{Explanation, Facts, explain};
use crate::ids::OwnerId;
use crate::message::Message;
use crate::policy::circuit::Circuit;
use crate::policy::rate_limit::RateLimit;
use crate::ports::StoreError;
use crate::rules::Limits;

/// Explains where a message stands.
pub async fn explain_message(
    deps: &Deps<'_>,
    message: &Message,
    webhook_enabled: bool,
) -> Result<Explanation, StoreError> {
    // What does not wait is explained by its state alone.
    if message.state.due_at().is_none() {
        return Ok(explain(message, &nothing_known(deps, webhook_enabled)));
    }
    let content = &message.content;
    let opted_out = !deps.stores.opted_out(content.channel, &content.recipient_keys()).await?.is_empty();
    let facts = facts(deps, webhook_enabled, content.owner_id.as_ref()).await?;
    Ok(explain(message, &Facts { opted_out, ..facts }))
}

/// What holds back the messages of this owner now; whether a recipient has opted out is left open.
pub(super) async fn facts<'a>(
    deps: &Deps<'a>,
    webhook_enabled: bool,
    owner: Option<&OwnerId>,
) -> Result<Facts<'a>, StoreError> {
    let (stores, limits) = (deps.stores, &deps.rules.limits);
    let before = nothing_known(deps, webhook_enabled);
    let owner_alone = Limits { global: RateLimit::UNLIMITED, ..*limits };
    let owner_limit_until = match owner {
        Some(_) => stores.limit_free_at(owner, &owner_alone, before.now).await?,
        None => None,
    };
    Ok(Facts {
        circuit: stores.circuit().await?.circuit,
        global_limit_until: stores.limit_free_at(None, limits, before.now).await?,
        owner_limit_until,
        ..before
    })
}

fn nothing_known<'a>(deps: &Deps<'a>, webhook_enabled: bool) -> Facts<'a> {
    Facts {
        now: deps.clock.now(),
        rules: deps.rules,
        circuit: Circuit::default(),
        webhook_enabled,
        global_limit_until: None,
        owner_limit_until: None,
        opted_out: false,
    }
}
