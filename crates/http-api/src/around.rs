//! What goes around every request: its id, its line in the log, and the headers of every answer.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use crate::api::Api;
use crate::error::{ApiError, log};
use crate::meter::Answered;

/// The header that names a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
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
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let api = request.app_data::<web::Data<Api>>().cloned();
    let id = given_id(&request).unwrap_or_else(|| new_id(api.as_ref()));
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let started = Instant::now();
    let mut response = next.call(request).await?;
    if let Some(error) = response.response().error().and_then(|error| error.as_error::<ApiError>()) {
        log(error, &id);
    }
    // The pattern and not the path: a query may hold a phone number.
    let route = response.request().match_pattern().unwrap_or_else(|| "(no route)".to_owned());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    if let Some(api) = &api {
        api.meter.answered(&Answered { route: &route, method: &method, status, took });
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(request_id = %id, %method, path = route, status, ms, "request");
    if api.as_ref().is_some_and(|api| api.stopping.is_stopping()) {
        // The client's next request opens a connection of its own, and that may go to another server.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let path = response.request().path();
    let (is_api, is_docs) = (path.starts_with("/api"), path.starts_with("/docs"));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    protect(headers, is_api, is_docs);
    Ok(response)
}

/// Headers that keep browsers from guessing, framing and keeping; a route's own choice stays.
fn protect(headers: &mut HeaderMap, is_api: bool, is_docs: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "same-origin");
    if is_api {
        set(CACHE_CONTROL, "no-store");
        set(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
    if is_docs {
        set(CONTENT_SECURITY_POLICY, DOCS_POLICY);
    }
}

/// The id that the client gave, where it is 1 to 64 visible ASCII characters.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let given = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let sane =
        !given.is_empty() && given.len() <= MAX_REQUEST_ID && given.bytes().all(|b| b.is_ascii_graphic());
    sane.then(|| given.to_owned())
}

fn new_id(api: Option<&web::Data<Api>>) -> String {
    api.map_or_else(String::new, |api| api.entropy.uuid(api.clock.now()).to_string())
}
