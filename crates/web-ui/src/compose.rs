//! `/outbound/compose`: one message to one person, seen before it goes.

pub(crate) mod draft;
mod view;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use domain::message::State;
use domain::ports::{Begin, Claim, StoredAnswer};
use domain::usecase::create::{CreateError, create};
use sha2::{Digest, Sha256};

use self::draft::Draft;
use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::{go_to, go_to_saying};
use crate::pages::Pages;
use crate::visit::{May, MessagingCreate, Posted};

/// What claims name this form by.
const ROUTE: &str = "POST /outbound/compose";
/// How long a form that was sent is remembered, in hours.
const KEPT_HOURS: i64 = 72;

/// The form; its fields may stand in the URL, so that the CRM can link to it.
pub(crate) async fn page(
    may: May<MessagingCreate>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    view::page(&may, &pages, Draft::read(&form, &pages), Vec::new()).await
}

/// The same form with its preview; nothing is stored.
pub(crate) async fn check(
    posted: Posted<MessagingCreate>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    view::page(&posted.may, &pages, Draft::read(&posted.form, &pages), Vec::new()).await
}

/// Queues the message; what is sent "now" goes after the time for taking it back.
pub(crate) async fn send(
    posted: Posted<MessagingCreate>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let may = &posted.may;
    let draft = Draft::read(&posted.form, &pages);
    let now = pages.clock.now();
    let command = match draft.command(&pages, now) {
        Ok(command) => command,
        Err(problems) => return view::page(may, &pages, draft, problems).await,
    };
    let claim = Claim {
        key: draft.key.clone(),
        route: ROUTE.to_owned(),
        actor: may.caller.subject.to_string(),
        fingerprint: Sha256::digest(format!("{draft:?}").as_bytes()).to_vec(),
        now,
        expires_at: now + TimeDelta::hours(KEPT_HOURS),
    };
    let unit = match pages.idempotency.begin(Some(&claim)).await? {
        Begin::Fresh(unit) => unit,
        Begin::Replay(StoredAnswer(location)) => return Ok(go_to(&location)),
        Begin::OtherBody | Begin::Running => return Ok(go_to("/outbound")),
    };
    // An error drops the unit of work: nothing is done, and the form can be sent again.
    let batch = match create(&pages.deps_over(unit.stores()), &may.caller, &command).await {
        Ok(batch) => batch,
        Err(CreateError::Command(problems)) => return view::page(may, &pages, draft, problems).await,
        Err(CreateError::Store(error)) => return Err(error.into()),
    };
    let Some((_, message)) = batch.messages.first() else {
        let problems = batch.rejected.into_iter().flat_map(|rejected| rejected.problems).collect();
        return view::page(may, &pages, draft, problems).await;
    };
    let location = format!("/outbound/messages/{}", message.id);
    let said = if let State::Skipped { .. } = message.state { Said::Skipped } else { Said::Queued };
    unit.commit(StoredAnswer(location.clone())).await?;
    Ok(go_to_saying(&location, Flash::said(said), &pages))
}
