//! `/livez` and `/readyz`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::error::ApiError;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    ok: bool,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

impl Health {
    fn of(api: &Api) -> Self {
        Self { ok: true, simulator: api.simulated() }
    }
}

/// Whether the process runs.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn livez(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(Health::of(&api))
}

/// Whether it can serve requests: the database answers and is migrated, and the server is not stopping.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Health), (status = 503, description = "Not ready")))]
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    if api.stopping.is_stopping() {
        return Err(ApiError::TryAgain("the server is stopping".into()));
    }
    api.readiness.ready().await.map_err(|missing| ApiError::TryAgain(missing.into()))?;
    Ok(HttpResponse::Ok().json(Health::of(&api)))
}
