//! `GET /metrics`, for Prometheus.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::api::Api;
use crate::error::{ApiError, ErrorBody};

/// The text format of Prometheus.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the server counts and times, in the text format of Prometheus. From this machine it takes no token; behind a
/// proxy, and from elsewhere, it takes METRICS_TOKEN.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses(
        (status = 200, description = "The text format of Prometheus", body = String, content_type = "text/plain"),
        (status = 403, body = ErrorBody),
    ),
    security((), ("metricsToken" = []))
)]
pub(crate) async fn metrics(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    api.gate.metrics(&request)?;
    let text = api.meter.exposition().await;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).insert_header((CACHE_CONTROL, "no-store")).body(text))
}
