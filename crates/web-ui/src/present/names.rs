//! What the CRM's users are called, as far as messages say.

use std::collections::BTreeMap;

use domain::actor::Actor;
use domain::ids::OwnerId;

use crate::error::PageError;
use crate::pages::Pages;

/// The names of some users.
pub(crate) struct Names(BTreeMap<OwnerId, String>);

impl Names {
    /// Those of these users.
    pub(crate) async fn of(pages: &Pages, users: impl Iterator<Item = OwnerId>) -> Result<Self, PageError> {
        let mut ids: Vec<OwnerId> = users.collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(Self(pages.stores.owner_names(&ids).await?))
    }

    /// The user's name; the id of one who has none.
    pub(crate) fn name(&self, id: &OwnerId) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// The user who acts, if it is one.
pub(crate) fn user(actor: &Actor) -> Option<OwnerId> {
    match actor {
        Actor::User(id) => Some(id.clone()),
        Actor::Operator(_) | Actor::Worker | Actor::N8n | Actor::Service | Actor::System => None,
    }
}
