//! Cancel and requeue: one message, or those that are ticked in the queue.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use domain::ids::MessageId;
use domain::usecase::manage::{Act, manage};

use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::frame::{go_to_saying, safe_back};
use crate::pages::Pages;
use crate::visit::{MessagingRun, Posted};

pub(crate) async fn cancel(
    posted: Posted<MessagingRun>,
    id: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    act(Act::Cancel, Said::Cancelled, &posted, &id, &pages).await
}

pub(crate) async fn requeue(
    posted: Posted<MessagingRun>,
    id: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    act(Act::Requeue, Said::Requeued, &posted, &id, &pages).await
}

/// The most messages that one form names: a page of the queue.
const MAX_TICKED: usize = 200;

/// Does to every message that is ticked what the pressed button says.
pub(crate) async fn ticked(
    posted: Posted<MessagingRun>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let (act, said) = match form.get("act") {
        Some("cancel") => (Act::Cancel, Said::Cancelled),
        Some("requeue") => (Act::Requeue, Said::Requeued),
        Some(_) | None => return Err(PageError::Unreadable),
    };
    let ids: Vec<MessageId> = form.fields("id").filter_map(|id| id.parse().ok()).take(MAX_TICKED).collect();
    let managed = manage(&pages.deps(), act, &may.actor(), &may.caller.scope(), &ids).await?;
    let not_done = managed.refused.len() + managed.contended.len() + managed.unknown.len();
    let flash = Flash::counted(said, managed.changed.len() as u64, not_done as u64);
    Ok(go_to_saying(safe_back(form.get("back")), flash, &pages))
}

async fn act(
    act: Act,
    said: Said,
    posted: &Posted<MessagingRun>,
    id: &str,
    pages: &Pages,
) -> Result<HttpResponse, PageError> {
    let id: MessageId = id.parse().map_err(|_| PageError::NotFound)?;
    let may = &posted.may;
    let managed = manage(&pages.deps(), act, &may.actor(), &may.caller.scope(), &[id]).await?;
    if !managed.unknown.is_empty() {
        return Err(PageError::NotFound);
    }
    let not_done = managed.refused.len() + managed.contended.len();
    let flash = Flash::counted(said, managed.changed.len() as u64, not_done as u64);
    let own = format!("/outbound/messages/{id}");
    Ok(go_to_saying(posted.form.get("back").map_or(own.as_str(), |back| safe_back(Some(back))), flash, pages))
}
