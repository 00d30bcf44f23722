//! `PUT /api/outbound/contacts`: the CRM pushes its people (contract §8).

mod form;

use actix_web::web;
use domain::actor::Actor;
use domain::usecase::contacts::{ContactPush, MAX_CONTACTS, push_contacts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use self::form::ContactForm;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, ServiceToken};
use crate::idempotency::Once;
use crate::messages::recipients::{RejectedRow, row};

/// People of the CRM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushContacts {
    /// A bad one is left out and named in the answer.
    #[schema(value_type = Vec<ContactForm>, required, max_items = 1000)]
    contacts: Option<Vec<Value>>,
}

impl Form for PushContacts {
    /// A thousand contacts whose names are long.
    const MAX_BYTES: usize = 4 * 1024 * 1024;
}

/// What became of a push.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushedContacts {
    /// How many contacts were made or changed.
    upserted: usize,
    /// Rows that were left out.
    rejected: Vec<RejectedRow>,
}

/// Makes or changes contacts by id: a field that is left out stays as it is, null clears it. Of several rows with one
/// id the later ones come on top. Bad rows are left out and named.
#[utoipa::path(
    put, path = "/api/outbound/contacts", tag = "contacts", request_body = PushContacts,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses((status = 200, body = PushedContacts), (status = 400, body = ErrorBody)),
    security(("serviceToken" = []))
)]
pub(crate) async fn push(
    _: ServiceToken,
    once: Once,
    body: Body<PushContacts>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let rows = body.form.contacts.ok_or_else(|| ApiError::field("contacts", "is required"))?;
    if rows.len() > MAX_CONTACTS {
        return Err(ApiError::field("contacts", format!("must have at most {MAX_CONTACTS} entries")));
    }
    let (mut pushes, mut rejected) = (Vec::new(), Vec::new());
    for (index, value) in rows.into_iter().enumerate() {
        match row::<ContactForm>(value).and_then(ContactPush::try_from) {
            Ok(push) => pushes.push(push),
            Err(error) => rejected.push(RejectedRow::new(index, &error)),
        }
    }
    once.run_whole(&api, &Actor::Service.to_string(), &body.raw, async |stores| {
        let upserted = push_contacts(&api.deps(stores), pushes).await?;
        Answer::ok(&PushedContacts { upserted, rejected })
    })
    .await
}
