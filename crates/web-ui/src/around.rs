//! What goes around every page: its headers beyond those that every answer of the server has, and what is shown when it
//! fails.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderName, HeaderValue, RETRY_AFTER,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;

use crate::error::PageError;
use crate::form;
use crate::frame::{Frame, Place, go_to};
use crate::lang;
use crate::pages::Pages;
use crate::visit::Visit;

/// What pages may load: our own files, and nothing inline.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";
/// The header that names a request: the server's own, or its client's.
const REQUEST_ID: &str = "x-request-id";
/// The header of requests that our own script makes.
pub(crate) const BY_SCRIPT: &str = "x-outbound-part";

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    f: &'a Frame,
    title: &'a str,
    advice: &'a str,
    status: u16,
    request_id: Option<String>,
}

/// The middleware around all pages.
pub(crate) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, BoxBody>>, Error> {
    let response = next.call(request).await?;
    let failed = match response.response().error().and_then(|error| error.as_error::<PageError>()) {
        Some(error) => Some(instead(response.request(), error).await),
        None => None,
    };
    let mut response = match failed {
        Some(page) => ServiceResponse::new(response.into_parts().0, page).map_into_right_body(),
        None => response.map_into_left_body(),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(CACHE_CONTROL, "no-store");
    Ok(response)
}

/// What is shown in place of a page that failed.
async fn instead(request: &HttpRequest, error: &PageError) -> HttpResponse {
    if let PageError::Internal(_) | PageError::Unavailable(_) = error {
        let path = request.match_pattern().unwrap_or_default();
        tracing::error!(%error, path, "a page failed");
    }
    let mut answer = answer(request, error).await;
    if let PageError::TooFast(seconds) = error {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
    }
    answer
}

async fn answer(request: &HttpRequest, error: &PageError) -> HttpResponse {
    if request.headers().contains_key(BY_SCRIPT) {
        return HttpResponse::new(error.status_code());
    }
    if let PageError::SignIn = error {
        return go_to(&sign_in(request));
    }
    page(request, error).await.unwrap_or_else(|_| {
        let words = error.words(lang::of(request));
        HttpResponse::build(error.status_code()).content_type(ContentType::plaintext()).body(words.title)
    })
}

/// The sign-in page, which leads back here; what was posted is lost with the session.
fn sign_in(request: &HttpRequest) -> String {
    let back = match *request.method() {
        Method::GET => request.uri().path_and_query().map_or("", |path| path.as_str()),
        _ => "",
    };
    let expired = if request.cookie(crate::visit::SESSION).is_some() { "1" } else { "" };
    format!("/outbound/sign-in?{}", form::query([("back", back), ("expired", expired)]))
        .trim_end_matches('?')
        .to_owned()
}

async fn page(request: &HttpRequest, error: &PageError) -> Result<HttpResponse, PageError> {
    let pages = request.app_data::<web::Data<Pages>>().ok_or(PageError::NotFound)?;
    // Where nobody can say who asks, it is said all the same.
    let visit = Visit::of(request).await.unwrap_or_else(|_| Visit::by_nobody(request));
    let frame = Frame::new(&visit, pages, Place::Elsewhere);
    let words = error.words(visit.lang);
    let status = error.status_code();
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let page = ErrorPage {
        f: &frame,
        title: words.title,
        advice: words.advice,
        status: status.as_u16(),
        request_id,
    };
    Ok(HttpResponse::build(status).content_type(ContentType::html()).body(page.render()?))
}

/// There is no such page.
pub(crate) async fn nothing_here() -> Result<HttpResponse, PageError> {
    Err(PageError::NotFound)
}
