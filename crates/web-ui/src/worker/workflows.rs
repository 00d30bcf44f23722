//! N8N's workflows with the addresses filled in.

use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::error::PageError;
use crate::form::{self, Form};
use crate::pages::Pages;
use crate::visit::{May, MessagingRun};

/// The addresses of the form.
pub(super) struct Addresses {
    pub(super) webhook: String,
    pub(super) base: String,
}

impl Addresses {
    /// Those that were sent, else those of the settings, else where this page is.
    pub(super) fn of(form: &Form, pages: &Pages, request: &HttpRequest) -> Self {
        let given = |name: &str| form.get(name).map(str::to_owned);
        let known = &pages.workflows;
        let here = || {
            let info = request.connection_info();
            format!("{}://{}", info.scheme(), info.host())
        };
        Self {
            webhook: given("webhook").or_else(|| known.webhook_url.clone()).unwrap_or_default(),
            base: given("base").or_else(|| known.base_url.clone()).unwrap_or_else(here),
        }
    }

    /// The files' names and addresses; or what is wrong with these addresses.
    pub(super) fn files(&self, pages: &Pages) -> Result<Vec<(&'static str, String)>, String> {
        let files = (pages.workflows.export)(&self.webhook, &self.base)?;
        let query = form::query([("webhook", self.webhook.as_str()), ("base", self.base.as_str())]);
        Ok(files
            .into_iter()
            .map(|(name, _)| (name, format!("/outbound/worker/n8n/{name}?{query}")))
            .collect())
    }
}

pub(crate) async fn workflow(
    may: May<MessagingRun>,
    name: Path<String>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    if !super::is_admin(&may) {
        return Err(PageError::Forbidden);
    }
    let form = Form::parse(request.query_string().as_bytes());
    let addresses = Addresses::of(&form, &pages, &request);
    let files =
        (pages.workflows.export)(&addresses.webhook, &addresses.base).map_err(|_| PageError::Unreadable)?;
    let (name, json) = files.into_iter().find(|(file, _)| *file == *name).ok_or(PageError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(json))
}
