//! `/outbound/bulk`: one text to a list of people, seen row by row before it goes.
//!
//! Nothing is kept on the server between the steps: the list travels with the form. What is sent goes in parts
//! (`send`), so that its progress is real and a part that is lost on the way can be sent again.

mod columns;
mod download;
mod draft;
mod report;
mod send;
mod sheet;
mod view;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::ids::TemplateKey;
use serde_json::json;

use self::draft::Draft;
use self::report::Report;
use self::send::{Outcome, Part, Sender};
use crate::around::BY_SCRIPT;
use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::go_to_saying;
use crate::pages::Pages;
use crate::visit::{May, MessagingCreate, Posted};

/// The first step; channel and template may stand in the URL.
pub(crate) async fn page(
    may: May<MessagingCreate>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    view::page(&may, &pages, Draft::read(&form, &pages), &[]).await
}

/// The list with its report; nothing is stored.
pub(crate) async fn check(
    posted: Posted<MessagingCreate>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    view::page(&posted.may, &pages, Draft::read(&posted.form, &pages), &[]).await
}

/// The rejected rows with their reasons, to be mended and sent again.
pub(crate) async fn rejected(
    posted: Posted<MessagingCreate>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let may = &posted.may;
    let draft = Draft::read(&posted.form, &pages);
    let sheet = draft.sheet().ok_or(PageError::Unreadable)?;
    let terms = draft.terms(&pages).await?;
    let report = Report::of(may.visit.lang, &pages, &may.caller, &draft, &terms, sheet).await?;
    Ok(download::rejected(may.visit.lang, sheet, &report))
}

/// An empty list for a template.
pub(crate) async fn sample(
    may: May<MessagingCreate>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let template = match form.read::<TemplateKey>("template") {
        Some(key) => pages.stores.template(&key).await?,
        None => None,
    };
    Ok(download::sample(may.visit.lang, template.as_ref().map(|template| &template.body)))
}

/// Sends a list: by our script one part, which is answered with what became of it; by a plain form the whole.
pub(crate) async fn send(
    posted: Posted<MessagingCreate>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let draft = Draft::read(&form, &pages);
    let lang = may.visit.lang;
    let sender = Sender { caller: may.caller.clone(), lang };
    let sheet = draft.sheet().cloned().ok_or(PageError::Unreadable)?;
    let terms = draft.terms(&pages).await?;
    let by_script = request.headers().contains_key(BY_SCRIPT);
    let outcome = if terms.digest(&draft) != draft.seen {
        let text = lang.t(
            "Nội dung hoặc mẫu tin đã đổi sau khi kiểm tra. Hãy xem lại báo cáo rồi gửi.",
            "The text or its template has changed since it was checked. Look at the report again, then send.",
        );
        Outcome::Wrong(vec![text.to_owned()])
    } else if by_script {
        let total = form.read("total").unwrap_or(sheet.rows.len());
        let index = form.read("part").unwrap_or(0);
        let part = Part { index, is_last: form.is_on("last"), total, job: form.read("job") };
        sender.part(&pages, &draft, &terms, &sheet, part).await?
    } else {
        let (pages, draft, background) = (pages.clone(), draft.clone(), pages.background.clone());
        // It goes on when the visitor leaves: a list is not to be sent by halves.
        background.run(async move { send::whole(&pages, &sender, &draft, &terms, &sheet).await }).await?
    };
    match outcome {
        Outcome::Done(done) if by_script => Ok(HttpResponse::Ok().json(done)),
        Outcome::Again if by_script => Ok(HttpResponse::Conflict().finish()),
        Outcome::Wrong(problems) if by_script => {
            Ok(HttpResponse::UnprocessableEntity().json(json!({"problems": problems})))
        }
        Outcome::Done(done) => {
            let to =
                done.job.map_or_else(|| "/outbound/bulk".to_owned(), |job| format!("/outbound/jobs/{job}"));
            let not_sent = (done.skipped + done.rejected) as u64;
            Ok(go_to_saying(&to, Flash::counted(Said::Listed, done.created as u64, not_sent), &pages))
        }
        Outcome::Wrong(problems) => view::page(&may, &pages, draft, &problems).await,
        Outcome::Again => Err(PageError::Unavailable("the same list is being sent".to_owned())),
    }
}
