//! Who visits, and with what right: as parameters of the handlers.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, ORIGIN};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use domain::access::{Caller, Permission};
use domain::actor::Actor;
use futures_util::future::LocalBoxFuture;

use crate::csrf;
use crate::error::PageError;
use crate::flash::Flash;
use crate::form::Form;
use crate::lang::{self, Lang};
use crate::pages::{Pages, TokenError};

/// The cookie of the session, which the API takes too.
pub(crate) const SESSION: &str = "access_token";
/// The cookie that stands in for the session before the sign-in.
pub(crate) const SEED: &str = "outbound_seed";
/// The field of a form's code.
pub(crate) const CODE_FIELD: &str = "csrf";

/// A request for a page, by whoever it may be.
pub(crate) struct Visit {
    /// The language.
    pub(crate) lang: Lang,
    /// Whether it was asked for with this request, and is to be kept.
    pub(crate) keeps_lang: bool,
    /// Whoever is signed in.
    pub(crate) caller: Option<Caller>,
    /// The secret that the codes of forms are made of.
    pub(crate) secret: Option<String>,
    /// What the page before left to say.
    pub(crate) flash: Option<Flash>,
    /// Path and query.
    pub(crate) here: String,
}

impl Visit {
    /// Who asks for what; counted among their requests.
    async fn counted(request: &HttpRequest) -> Result<Self, PageError> {
        let visit = Self::of(request).await?;
        if let (Some(tokens), Some(caller)) = (&pages(request)?.tokens, &visit.caller) {
            tokens.admit(caller).map_err(PageError::TooFast)?;
        }
        Ok(visit)
    }

    /// Who asks for what.
    pub(crate) async fn of(request: &HttpRequest) -> Result<Self, PageError> {
        let pages = pages(request)?;
        let cookie = |name: &str| {
            request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
        };
        // As the API has it: who names a token means that one, and no cookie stands in for it.
        let session = bearer(request).unwrap_or_else(|| cookie(SESSION));
        let caller = match &session {
            Some(token) => caller(&pages, token).await?,
            None => None,
        };
        Ok(Self {
            secret: if caller.is_some() { session } else { cookie(SEED) },
            caller,
            ..Self::by_nobody(request)
        })
    }

    /// The same, whoever it is.
    pub(crate) fn by_nobody(request: &HttpRequest) -> Self {
        Self {
            lang: lang::of(request),
            keeps_lang: lang::asked(request).is_some(),
            caller: None,
            secret: None,
            flash: Flash::of(request),
            here: readable(request),
        }
    }
}

/// The address at which this page, or the one that its form stands on, can be read.
fn readable(request: &HttpRequest) -> String {
    if *request.method() == Method::GET {
        return request.uri().path_and_query().map_or("/outbound", |path| path.as_str()).to_owned();
    }
    let path = request.uri().path();
    let form = ["/check", "/send", "/rejected", "/delete", "/cancel", "/requeue", "/send-now", "/plan"]
        .iter()
        .find_map(|act| path.strip_suffix(act))
        .unwrap_or(path);
    if ["/ticked", "/dispatch", "/sign-out"].iter().any(|act| form.ends_with(act)) {
        return "/outbound".to_owned();
    }
    form.to_owned()
}

/// The token of the header; `None` where there is no such header, or one of another scheme.
fn bearer(request: &HttpRequest) -> Option<Option<String>> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let token = token.trim();
    scheme.eq_ignore_ascii_case("bearer").then(|| (!token.is_empty()).then(|| token.to_owned()))
}

/// Whoever the token was made for; `None` when it opens nothing (any more).
pub(crate) async fn caller(pages: &Pages, token: &str) -> Result<Option<Caller>, PageError> {
    let Some(tokens) = &pages.tokens else { return Ok(None) };
    match tokens.verify(token, pages.clock.now()).await {
        Ok(caller) => Ok(Some(caller)),
        Err(TokenError::Refused) => Ok(None),
        Err(TokenError::Unavailable(cause)) => Err(PageError::Unavailable(cause)),
    }
}

fn pages(request: &HttpRequest) -> Result<Data<Pages>, PageError> {
    request
        .app_data::<Data<Pages>>()
        .cloned()
        .ok_or_else(|| PageError::Internal("the pages are not configured".to_owned()))
}

impl FromRequest for Visit {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::counted(&request).await })
    }
}

/// What a handler asks of its visitor.
pub(crate) trait Needs: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident,)+) => {$(
        #[doc = concat!("See [`Permission::", stringify!($name), "`].")]
        pub(crate) struct $name;
        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

needs! { MessagingView, MessagingCreate, MessagingUpdate, MessagingRun, JobsView, }

/// A visitor who is signed in and has this permission.
pub(crate) struct May<P> {
    /// The visit.
    pub(crate) visit: Visit,
    /// Who it is.
    pub(crate) caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Needs> May<P> {
    async fn of(request: &HttpRequest) -> Result<Self, PageError> {
        let visit = Visit::counted(request).await?;
        let caller = visit.caller.clone().ok_or(PageError::SignIn)?;
        if !caller.role.may(P::PERMISSION) {
            return Err(PageError::Forbidden);
        }
        Ok(Self { visit, caller, permission: PhantomData })
    }

    /// The visitor, as timelines name whoever acts.
    pub(crate) fn actor(&self) -> Actor {
        Actor::User(self.caller.subject.clone())
    }
}

impl<P: Needs> FromRequest for May<P> {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// A form that a visitor with this permission sent from one of our own pages.
pub(crate) struct Posted<P> {
    /// Who sent it.
    pub(crate) may: May<P>,
    /// Its fields.
    pub(crate) form: Form,
}

impl<P: Needs> FromRequest for Posted<P> {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Bytes::from_request(request, payload));
        Box::pin(async move {
            let may = May::of(&request).await?;
            let form = own_form(&request, body.await, may.visit.secret.as_deref()).await?;
            Ok(Self { may, form })
        })
    }
}

/// A form from one of our own pages, by whoever it may be: the sign-in's.
pub(crate) struct OwnForm {
    /// The visit.
    pub(crate) visit: Visit,
    /// Its fields.
    pub(crate) form: Form,
}

impl FromRequest for OwnForm {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Bytes::from_request(request, payload));
        Box::pin(async move {
            let visit = Visit::counted(&request).await?;
            let form = own_form(&request, body.await, visit.secret.as_deref()).await?;
            Ok(Self { visit, form })
        })
    }
}

async fn own_form(
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    secret: Option<&str>,
) -> Result<Form, PageError> {
    let body = body.map_err(unread)?;
    let form = if request.content_type() == "multipart/form-data" {
        Form::parse_parts(request.headers(), body).await.map_err(|_| PageError::Unreadable)?
    } else {
        Form::parse(&body)
    };
    let fits = secret.zip(form.get(CODE_FIELD)).is_some_and(|(secret, given)| csrf::fits(secret, given));
    if fits && !is_foreign(request) { Ok(form) } else { Err(PageError::Stale) }
}

/// Browsers say where a form comes from; what they say need not be believed, but a foreign one can be refused.
fn is_foreign(request: &HttpRequest) -> bool {
    let site = request.headers().get("sec-fetch-site").map(|site| site.as_bytes());
    let opaque = request.headers().get(ORIGIN).is_some_and(|origin| origin.as_bytes() == b"null");
    opaque || site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

fn unread(error: actix_web::Error) -> PageError {
    match error.as_response_error().status_code() {
        actix_web::http::StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
        _ => PageError::Unreadable,
    }
}
