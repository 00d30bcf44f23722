//! What goes around every request: its id, its line in the log, and the headers of every answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use domain::ids::MessageId;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::api::Api;
use crate::deadline;
use crate::error::{ApiError, log};
use crate::meter::Answered;
use crate::tracer::{self, RequestSpan};

/// The header that names a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header that says which trace a request belongs to.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Keeps other sites' pages from loading what this server answers.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Keeps pages that other sites' pages open apart from those.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// What pages may use of the device: nothing.
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// What the answers of the API may load as pages: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
/// What the page of the OpenAPI document may load: what this server gives, and its icons, which stand in its CSS.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The longest id that is taken from a request.
const MAX_REQUEST_ID: usize = 64;

/// The id of a request, as the answer and the log show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of this request; empty where [`around`] does not go around it.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or(Self(String::new()))
    }
}

/// The middleware that goes around every route of the server, pages too:
/// `App::new().wrap(actix_web::middleware::from_fn(http_api::around))`. It finds [`Api`] as app data, so it must go
/// around an app that [`crate::configure`] has configured.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let api = request.app_data::<web::Data<Api>>().map(|api| Arc::clone(api));
    let id = given_id(&request).unwrap_or_else(|| new_id(api.as_deref()));
    request.extensions_mut().insert(RequestId(id.clone()));
    // Pages show it to whoever has to tell it; they know this header and nothing else of this crate.
    if let Ok(id) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, id);
    }
    if let Some(api) = &api {
        let body = request.take_payload();
        request.set_payload(deadline::within(body, api.body_within));
    }
    let method = request.method().clone();
    let started = Instant::now();
    // Of the highest level: whatever is logged at all says to which request it belongs.
    let span = tracing::error_span!("request", request_id = %id, message_id = Empty);
    let traced = api.as_ref().and_then(|api| {
        let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
        Some(api.tracer.as_ref()?.open(traceparent))
    });
    let mut response = tracer::within(traced, next.call(request).instrument(span.clone())).await?;
    let took = started.elapsed();
    span.in_scope(|| finish(api.as_deref(), &response, &method, took, traced));
    if api.as_ref().is_some_and(|api| api.stopping.is_stopping()) {
        // The client's next request opens a connection of its own, and that may go to another server.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let path = response.request().path();
    let kind = Kind { is_api: path.starts_with("/api"), is_docs: path.starts_with("/docs") };
    let by_tls = api.is_some_and(|api| api.is_behind_tls);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    protect(headers, kind, by_tls);
    Ok(response)
}

/// The request's line in the log, and in the metrics.
fn finish(
    api: Option<&Api>,
    response: &ServiceResponse<impl MessageBody>,
    method: &Method,
    took: Duration,
    traced: Option<RequestSpan>,
) {
    if let Some(error) = response.response().error().and_then(|error| error.as_error::<ApiError>()) {
        log(error);
    }
    // The pattern and not the path: a query may hold a phone number.
    let route = response.request().match_pattern().unwrap_or_else(|| "(no route)".to_owned());
    let status = response.status().as_u16();
    if let Some(api) = api {
        let answered = Answered { route: &route, method, status, took };
        api.meter.answered(&answered);
        if let (Some(tracer), Some(opened)) = (&api.tracer, traced) {
            tracer.close(&opened, &answered, &RequestId::of(response.request()));
        }
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, path = route, status, ms, "request");
}

/// Names the one message that a request is about, in the lines that the log has for the request from here on.
pub(crate) fn is_about(message: MessageId) {
    tracing::Span::current().record("message_id", tracing::field::display(message));
}

/// What kind of answer it is, by its path.
struct Kind {
    is_api: bool,
    is_docs: bool,
}

/// Headers that keep browsers from guessing, framing and keeping; a route's own choice stays.
fn protect(headers: &mut HeaderMap, kind: Kind, by_tls: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "same-origin");
    set(RESOURCE_POLICY, "same-origin");
    set(OPENER_POLICY, "same-origin");
    set(PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=()");
    if by_tls {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if kind.is_api {
        set(CACHE_CONTROL, "no-store");
    }
    set(CONTENT_SECURITY_POLICY, if kind.is_docs { DOCS_POLICY } else { NOTHING });
}

/// The id that the client gave, where it is 1 to 64 visible ASCII characters.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let given = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let sane =
        !given.is_empty() && given.len() <= MAX_REQUEST_ID && given.bytes().all(|b| b.is_ascii_graphic());
    sane.then(|| given.to_owned())
}

fn new_id(api: Option<&Api>) -> String {
    api.map_or_else(String::new, |api| api.entropy.uuid(api.clock.now()).to_string())
}
