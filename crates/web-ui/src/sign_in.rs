//! Signing in with a token, in the demo with one click; signing out; the language.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::{Caller, Role};
use domain::actor::Actor;
use domain::audit::AuditAction;
use domain::explain::Language;
use serde_json::json;

use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::{self, Frame, Place, go_to, go_to_saying, home, safe_back, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::visit::{OwnForm, SEED, SESSION, Visit, caller};
use crate::{csrf, lang};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4_000;

struct Login {
    who: usize,
    role: &'static str,
    name: String,
    branch: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    f: &'a Frame,
    back: &'a str,
    expired: bool,
    refused: bool,
    closed: bool,
    demo: Vec<Login>,
}

pub(crate) async fn from_the_top() -> HttpResponse {
    go_to("/outbound")
}

pub(crate) async fn page(
    visit: Visit,
    pages: Data<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let query = Form::parse(request.query_string().as_bytes());
    let back = safe_back(query.get("back")).to_owned();
    if visit.caller.is_some() {
        return Ok(go_to(&back));
    }
    form(visit, &pages, &back, query.is_on("expired"), false)
}

/// The page with its form; `refused` after a token that opened nothing.
fn form(
    mut visit: Visit,
    pages: &Pages,
    back: &str,
    expired: bool,
    refused: bool,
) -> Result<HttpResponse, PageError> {
    let seed = seed(pages);
    visit.secret = Some(seed.clone());
    visit.here = "/outbound/sign-in".to_owned();
    let frame = Frame::new(&visit, pages, Place::Elsewhere);
    let logins = pages.demo_logins.iter().enumerate();
    let demo = logins.map(|(who, login)| Login {
        who,
        role: frame::role(visit.lang, login.role),
        name: login.name.clone(),
        branch: login.branch.clone(),
    });
    let page =
        SignIn { f: &frame, back, expired, refused, closed: pages.tokens.is_none(), demo: demo.collect() };
    let mut answer = show(&page, &frame)?;
    if refused {
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
    }
    answer.add_cookie(&cookie(SEED, seed, pages)).map_err(no_cookie)?;
    Ok(answer)
}

/// A secret of this visitor alone, until there is a session.
fn seed(pages: &Pages) -> String {
    let now = pages.clock.now();
    csrf::code(&format!("{}{}", pages.entropy.uuid(now), pages.entropy.uuid(now)))
}

fn cookie(name: &'static str, value: String, pages: &Pages) -> Cookie<'static> {
    let path = if name == SESSION { "/" } else { "/outbound" };
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(pages.secure_cookies)
        .finish()
}

fn no_cookie(error: impl std::fmt::Display) -> PageError {
    PageError::Internal(format!("a cookie can't be set: {error}"))
}

pub(crate) async fn sign_in(own: OwnForm, pages: Data<Pages>) -> Result<HttpResponse, PageError> {
    let back = safe_back(own.form.get("back")).to_owned();
    let token = own.form.get("token").unwrap_or_default();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim().to_owned();
    let fits = token.len() <= MAX_TOKEN
        && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',');
    let known = if fits && !token.is_empty() { caller(&pages, &token).await? } else { None };
    let Some(known) = known else { return form(own.visit, &pages, &back, false, true) };
    tell(&pages, &known, "token").await?;
    opened(token, known.role, &back, &pages)
}

/// Tells the audit trail who comes in.
async fn tell(pages: &Pages, caller: &Caller, by: &str) -> Result<(), PageError> {
    let deed = pages.deps().deed(&Actor::User(caller.subject.clone()), AuditAction::SignIn);
    let deed = deed.with("role", caller.role).with("by", by);
    Ok(pages.stores.record(&[deed]).await?)
}

pub(crate) async fn demo(
    who: Path<usize>,
    own: OwnForm,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let login = pages.demo_logins.get(*who).ok_or(PageError::NotFound)?;
    let token = (login.token)(pages.clock.now()).ok_or(PageError::NotFound)?;
    if let Some(caller) = caller(&pages, &token).await? {
        tell(&pages, &caller, "demo").await?;
    }
    opened(token, login.role, safe_back(own.form.get("back")), &pages)
}

fn opened(token: String, role: Role, back: &str, pages: &Pages) -> Result<HttpResponse, PageError> {
    // Not everybody is at home with the queue.
    let mut answer = go_to(if back == "/outbound" { home(role) } else { back });
    answer.add_cookie(&cookie(SESSION, token, pages)).map_err(no_cookie)?;
    answer.add_removal_cookie(&cookie(SEED, String::new(), pages)).map_err(no_cookie)?;
    Ok(answer)
}

/// The end of a session; where there is none (any more) there is nothing to guard, and the cookie goes.
pub(crate) async fn sign_out(
    own: Result<OwnForm, PageError>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    if own.is_err() && Visit::of(&request).await?.caller.is_some() {
        own?;
    }
    let mut answer = go_to_saying("/outbound/sign-in", Flash::said(Said::SignedOut), &pages);
    answer.add_removal_cookie(&cookie(SESSION, String::new(), &pages)).map_err(no_cookie)?;
    Ok(answer)
}

/// Whose session it is, with the code of its forms, for pages that were open when it began; 401 where there is none.
pub(crate) async fn session(visit: Visit) -> Result<HttpResponse, PageError> {
    let caller = visit.caller.ok_or(PageError::SignIn)?;
    let code = visit.secret.as_deref().map(csrf::code);
    Ok(HttpResponse::Ok().json(json!({"who": caller.subject.as_str(), "code": code})))
}

pub(crate) async fn language(pages: Data<Pages>, request: HttpRequest) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    let mut answer = HttpResponse::SeeOther();
    if let Some(language) = query.read::<Language>("to") {
        answer.cookie(lang::cookie(Lang(language), &pages));
    }
    answer.insert_header(("location", safe_back(query.get("back")))).finish()
}
