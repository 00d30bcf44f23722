//! Templates.

use async_trait::async_trait;
use domain::ids::TemplateKey;
use domain::ports::{StoreError, Template, TemplateStore};

use crate::MemoryStore;

#[async_trait]
impl TemplateStore for MemoryStore {
    async fn templates(&self) -> Result<Vec<Template>, StoreError> {
        Ok(self.inner().templates.values().cloned().collect())
    }

    async fn template(&self, key: &TemplateKey) -> Result<Option<Template>, StoreError> {
        Ok(self.inner().templates.get(key).cloned())
    }

    async fn insert_template(&self, template: &Template) -> Result<bool, StoreError> {
        let inner = &mut *self.inner();
        let free = !inner.templates.contains_key(&template.key);
        if free {
            inner.templates.insert(template.key.clone(), template.clone());
        }
        Ok(free)
    }

    async fn update_template(&self, template: &Template) -> Result<bool, StoreError> {
        Ok(self.inner().templates.get_mut(&template.key).map(|old| *old = template.clone()).is_some())
    }

    async fn delete_template(&self, key: &TemplateKey) -> Result<bool, StoreError> {
        Ok(self.inner().templates.remove(key).is_some())
    }
}
