//! [`TemplateStore`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::ids::TemplateKey;
use domain::ports::{StoreError, Template, TemplateStore};
use domain::template::TemplateBody;

use crate::error::of_statement;
use crate::rows::{corrupt, read};
use crate::schema::outbound_template as t;
use crate::store::PgStore;

type TemplateRow = (String, String, String, String, bool, DateTime<Utc>);

#[async_trait]
impl TemplateStore for PgStore {
    async fn templates(&self) -> Result<Vec<Template>, StoreError> {
        let rows: Vec<TemplateRow> =
            t::table.order(t::key).load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter().map(template_of).collect()
    }

    async fn template(&self, key: &TemplateKey) -> Result<Option<Template>, StoreError> {
        let row: Option<TemplateRow> = t::table
            .find(key.as_str())
            .first(&mut *self.connection().await?)
            .await
            .optional()
            .map_err(of_statement)?;
        row.map(template_of).transpose()
    }

    async fn insert_template(&self, template: &Template) -> Result<bool, StoreError> {
        let Template { key, title, channel, body, is_active, updated_at } = template;
        let inserted = diesel::insert_into(t::table)
            .values((
                t::key.eq(key.as_str()),
                t::title.eq(title),
                t::channel.eq(channel.as_str()),
                t::body.eq(body.source()),
                t::is_active.eq(is_active),
                t::updated_at.eq(updated_at),
            ))
            .on_conflict_do_nothing()
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(inserted == 1)
    }

    async fn update_template(&self, template: &Template) -> Result<bool, StoreError> {
        let Template { key, title, channel, body, is_active, updated_at } = template;
        let updated = diesel::update(t::table.find(key.as_str()))
            .set((
                t::title.eq(title),
                t::channel.eq(channel.as_str()),
                t::body.eq(body.source()),
                t::is_active.eq(is_active),
                t::updated_at.eq(updated_at),
            ))
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(updated == 1)
    }

    async fn delete_template(&self, key: &TemplateKey) -> Result<bool, StoreError> {
        let deleted = diesel::delete(t::table.find(key.as_str()))
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(deleted == 1)
    }
}

fn template_of(
    (key, title, channel, body, is_active, updated_at): TemplateRow,
) -> Result<Template, StoreError> {
    Ok(Template {
        body: TemplateBody::parse(&body).map_err(|error| corrupt(&format!("template {key}"), error))?,
        key: read("key", &key)?,
        title,
        channel: read("channel", &channel)?,
        is_active,
        updated_at,
    })
}
