//! Writing templates; each write is told to the audit trail. Give these a transaction's stores.

use super::Deps;
use crate::actor::Actor;
use crate::audit::AuditAction;
use crate::ids::TemplateKey;
use crate::ports::{StoreError, Template};

/// Stores a new one; false when the key is taken, and then nothing changes.
pub async fn create(deps: &Deps<'_>, by: &Actor, template: &Template) -> Result<bool, StoreError> {
    let done = deps.stores.insert_template(template).await?;
    tell(deps, by, AuditAction::TemplateCreate, &template.key, Some(template.is_active), done).await
}

/// Replaces one; false when there is none with this key.
pub async fn update(deps: &Deps<'_>, by: &Actor, template: &Template) -> Result<bool, StoreError> {
    let done = deps.stores.update_template(template).await?;
    tell(deps, by, AuditAction::TemplateUpdate, &template.key, Some(template.is_active), done).await
}

/// Removes one; false when there is none with this key.
pub async fn delete(deps: &Deps<'_>, by: &Actor, key: &TemplateKey) -> Result<bool, StoreError> {
    let done = deps.stores.delete_template(key).await?;
    tell(deps, by, AuditAction::TemplateDelete, key, None, done).await
}

async fn tell(
    deps: &Deps<'_>,
    by: &Actor,
    action: AuditAction,
    key: &TemplateKey,
    is_active: Option<bool>,
    done: bool,
) -> Result<bool, StoreError> {
    if done {
        let deed = deps.deed(by, action).to(key);
        let deed = match is_active {
            Some(is_active) => deed.with("isActive", is_active),
            None => deed,
        };
        deps.stores.record(&[deed]).await?;
    }
    Ok(done)
}
