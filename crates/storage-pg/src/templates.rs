//! [`TemplateStore`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::ids::TemplateKey;
use domain::ports::{StoreError, Template, TemplateStore};
use domain::template::TemplateBody;

use crate::error::of_statement;
use crate::rows::{self, corrupt};
use crate::schema::outbound_template as t;
use crate::statement::{Sql, statement};
use crate::store::PgStore;
use crate::terms;

type TemplateRow = (String, String, String, String, bool, DateTime<Utc>);

#[async_trait]
impl TemplateStore for PgStore {
    async fn templates(&self) -> Result<Vec<Template>, StoreError> {
        let rows: Vec<TemplateRow> =
            t::table.order(t::key).load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter().map(template_of).collect()
    }

    async fn template(&self, key: &TemplateKey) -> Result<Option<Template>, StoreError> {
        if let Some(groups) = &self.groups {
            return Ok(groups.templates.submit(key.clone()).await?.1);
        }
        Ok(read(&mut *self.connection().await?, vec![key.as_str()]).await?.pop())
    }

    async fn insert_template(&self, template: &Template) -> Result<bool, StoreError> {
        let Template { key, title, channel, body, is_active, updated_at } = template;
        let insert = diesel::insert_into(t::table)
            .values((
                t::key.eq(key.as_str()),
                t::title.eq(title),
                t::channel.eq(channel.as_str()),
                t::body.eq(body.source()),
                t::is_active.eq(is_active),
                t::updated_at.eq(updated_at),
            ))
            .on_conflict_do_nothing();
        let inserted = self
            .connection()
            .await?
            .transaction(async |connection| {
                terms::keep(connection, template).await?;
                insert.execute(connection).await
            })
            .await
            .map_err(of_statement)?;
        self.terms.forget(key);
        Ok(inserted == 1)
    }

    async fn update_template(&self, template: &Template) -> Result<bool, StoreError> {
        let Template { key, title, channel, body, is_active, updated_at } = template;
        let update = diesel::update(t::table.find(key.as_str())).set((
            t::title.eq(title),
            t::channel.eq(channel.as_str()),
            t::body.eq(body.source()),
            t::is_active.eq(is_active),
            t::updated_at.eq(updated_at),
        ));
        let updated = self
            .connection()
            .await?
            .transaction(async |connection| {
                terms::keep(connection, template).await?;
                update.execute(connection).await
            })
            .await
            .map_err(of_statement)?;
        self.terms.forget(key);
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

statement! {
    /// Templates by their keys; by a subselect, so that the plan is kept (see `messages/load.rs`).
    ReadTemplates<'a> { keys: Vec<&'a str> => Array<Text>, } -> (Text, Text, Text, Text, Bool, Timestamptz),
    Sql("select key, title, channel, body, is_active, updated_at from outbound_template
         where key = any((select $1)::text[])")
}

/// The templates with these keys; those that there are not are left out.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    keys: Vec<&str>,
) -> Result<Vec<Template>, StoreError> {
    let rows: Vec<TemplateRow> = ReadTemplates { keys }.load(connection).await.map_err(of_statement)?;
    rows.into_iter().map(template_of).collect()
}

fn template_of(
    (key, title, channel, body, is_active, updated_at): TemplateRow,
) -> Result<Template, StoreError> {
    Ok(Template {
        body: TemplateBody::parse(&body).map_err(|error| corrupt(&format!("template {key}"), error))?,
        key: rows::read("key", &key)?,
        title,
        channel: rows::read("channel", &channel)?,
        is_active,
        updated_at,
    })
}
