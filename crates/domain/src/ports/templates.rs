//! Message templates.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::channel::Channel;
use crate::ids::TemplateKey;
use crate::template::TemplateBody;

/// A stored template. Its body has been parsed, so it can be rendered.
#[derive(Debug, Clone)]
pub struct Template {
    /// What names it.
    pub key: TemplateKey,
    /// What people call it.
    pub title: String,
    /// The channel that it is meant for.
    pub channel: Channel,
    /// The text with its variables.
    pub body: TemplateBody,
    /// Whether new messages may use it.
    pub is_active: bool,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Templates.
#[async_trait]
pub trait TemplateStore: Send + Sync {
    /// Every template by key.
    async fn templates(&self) -> Result<Vec<Template>, StoreError>;
    /// One template.
    async fn template(&self, key: &TemplateKey) -> Result<Option<Template>, StoreError>;
    /// Stores a new one; false when the key is taken, and then nothing changes.
    async fn insert_template(&self, template: &Template) -> Result<bool, StoreError>;
    /// Replaces one; false when there is none with this key.
    async fn update_template(&self, template: &Template) -> Result<bool, StoreError>;
    /// Removes one; false when there is none with this key.
    async fn delete_template(&self, key: &TemplateKey) -> Result<bool, StoreError>;
}
