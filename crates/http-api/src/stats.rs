//! `GET /api/outbound/stats`: the queue in numbers.

pub(crate) mod view;

use actix_web::web;

use self::view::{StatsFacts, StatsView};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::ApiError;
use crate::extract::{May, MessagingView};

/// The queue in numbers: counts are those in the caller's scope, the rest holds for the whole server.
#[utoipa::path(
    get, path = "/api/outbound/stats", tag = "messages", responses((status = 200, body = StatsView)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn stats(may: May<MessagingView>, api: web::Data<Api>) -> Result<Answer, ApiError> {
    let now = api.clock.now();
    let scope = may.caller.scope();
    let stats = api.stores().stats(&scope, &api.rules.limits, now).await?;
    let circuit = api.stores().circuit().await?.circuit;
    let facts = StatsFacts {
        now,
        stats: &stats,
        rules: &api.rules,
        circuit,
        webhook_enabled: api.gateway.is_some(),
        simulator: api.simulator,
    };
    Answer::ok(&StatsView::new(&facts))
}
