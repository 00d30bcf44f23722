//! [`ContactStore`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{LeadId, StudentId};
use domain::phone::PhoneNumber;
use domain::ports::{ContactStore, StoreError};

use crate::error::of_statement;
use crate::reader::{search_pattern, search_text};
use crate::rows::{columns, corrupt, read, read_option};
use crate::schema::{outbound_contact as c, outbound_opt_out as o};
use crate::statement::{Sql, statement};
use crate::store::PgStore;

columns!(outbound_contact: key, full_name, phone, zalo_user_id, facebook_psid, owner_id, owner_name, branch_id,
    opted_out);

#[derive(Queryable)]
struct ContactRow {
    key: String,
    full_name: Option<String>,
    phone: Option<String>,
    zalo_user_id: Option<String>,
    facebook_psid: Option<String>,
    owner_id: Option<String>,
    owner_name: Option<String>,
    branch_id: Option<String>,
    opted_out: Vec<String>,
}

statement! {
    /// Inserts or replaces contacts. The opted-out channels come as one comma-separated text each.
    UpsertContacts<'a> {
        key: Vec<String> => Array<Text>,
        full_name: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        phone: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        zalo_user_id: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        facebook_psid: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        owner_id: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        owner_name: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        branch_id: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        opted_out: Vec<String> => Array<Text>,
        search: Vec<String> => Array<Text>,
        now: DateTime<Utc> => Timestamptz,
        opt_out_channel: Vec<&'static str> => Array<Text>,
        opt_out_key: Vec<String> => Array<Text>,
        opt_out_contact: Vec<String> => Array<Text>,
    } -> Integer,
    Sql(include_str!("sql/upsert_contacts.sql"))
}

#[async_trait]
impl ContactStore for PgStore {
    async fn upsert_contacts(&self, contacts: &[Contact], now: DateTime<Utc>) -> Result<(), StoreError> {
        if contacts.is_empty() {
            return Ok(());
        }
        // By key: of several with one key the last counts, and two calls lock in the same order.
        let ordered: BTreeMap<String, &Contact> = contacts.iter().map(|one| (one.id.key(), one)).collect();
        let mut statement = UpsertContacts { now, ..UpsertContacts::default() };
        for (key, contact) in ordered {
            statement.push(key, contact);
        }
        statement.execute(&mut *self.connection().await?).await.map_err(of_statement)?;
        Ok(())
    }

    async fn contacts(&self, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let keys: Vec<String> = ids.iter().map(ContactId::key).collect();
        let rows: Vec<ContactRow> = c::table
            .filter(c::key.eq_any(keys))
            .select(COLUMNS)
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        rows.into_iter().map(contact_of).collect()
    }

    async fn contacts_to_change(&self, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let keys: Vec<String> = ids.iter().map(ContactId::key).collect();
        let rows: Vec<ContactRow> = c::table
            .filter(c::key.eq_any(keys))
            // In one order everywhere, so that two of these wait for each other and don't lock each other out.
            .order(c::key)
            .select(COLUMNS)
            .for_no_key_update()
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        rows.into_iter().map(contact_of).collect()
    }

    async fn contacts_by_phone(&self, numbers: &[PhoneNumber]) -> Result<Vec<Contact>, StoreError> {
        if let ([number], Some(groups)) = (numbers, &self.groups) {
            return Ok(groups.phones.submit(number.clone()).await?.1);
        }
        let numbers = numbers.iter().map(PhoneNumber::as_str).collect();
        with_phones(&mut *self.connection().await?, numbers).await
    }

    async fn contacts_by_psid(&self, psids: &[String]) -> Result<Vec<Contact>, StoreError> {
        let rows: Vec<ContactRow> = c::table
            .filter(c::facebook_psid.eq_any(psids))
            .order(c::key)
            .select(COLUMNS)
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        rows.into_iter().map(contact_of).collect()
    }

    async fn search_contacts(
        &self,
        scope: &Scope,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError> {
        let mut query = c::table
            .filter(c::search.like(search_pattern(text)))
            .order((c::full_name.asc().nulls_last(), c::key))
            .limit(limit.into())
            .select(COLUMNS)
            .into_boxed();
        if let Some(owner) = &scope.owner {
            query = query.filter(c::owner_id.eq(owner.as_str()));
        }
        if let Some(branch) = &scope.branch {
            query = query.filter(c::branch_id.eq(branch.as_str()));
        }
        let rows: Vec<ContactRow> = query.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter().map(contact_of).collect()
    }

    async fn opted_out(&self, channel: Channel, keys: &[String]) -> Result<Vec<String>, StoreError> {
        o::table
            .filter(o::channel.eq(channel.as_str()).and(o::key.eq_any(keys)))
            .select(o::key)
            .distinct()
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)
    }
}

statement! {
    /// Contacts by their numbers; by a subselect, so that the plan is kept (see `messages/load.rs`).
    WithPhones<'a> { numbers: Vec<&'a str> => Array<Text>, } -> SqlTypeOf<Columns>,
    Sql("select key, full_name, phone, zalo_user_id, facebook_psid, owner_id, owner_name, branch_id, opted_out
         from outbound_contact where phone = any((select $1)::text[]) order by key")
}

/// The contacts with these numbers, in the order of their keys.
pub(crate) async fn with_phones(
    connection: &mut AsyncPgConnection,
    numbers: Vec<&str>,
) -> Result<Vec<Contact>, StoreError> {
    let rows: Vec<ContactRow> = WithPhones { numbers }.load(connection).await.map_err(of_statement)?;
    rows.into_iter().map(contact_of).collect()
}

impl<'a> UpsertContacts<'a> {
    fn push(&mut self, key: String, contact: &'a Contact) {
        let Contact {
            id: _,
            full_name,
            phone,
            zalo_user_id,
            facebook_psid,
            owner_id,
            owner_name,
            branch_id,
            opted_out,
        } = contact;
        for channel in opted_out {
            for closed in contact.suppression_keys(*channel) {
                self.opt_out_channel.push(channel.as_str());
                self.opt_out_key.push(closed);
                self.opt_out_contact.push(key.clone());
            }
        }
        let phone = phone.as_ref().map(PhoneNumber::as_str);
        // As it is written, and as people type it who leave the marks out.
        let name = full_name.as_deref().unwrap_or_default();
        self.search.push(search_text(&[name, phone.unwrap_or_default(), &domain::search::folded(name)]));
        self.opted_out.push(opted_out.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(","));
        self.key.push(key);
        self.full_name.push(full_name.as_deref());
        self.phone.push(phone);
        self.zalo_user_id.push(zalo_user_id.as_deref());
        self.facebook_psid.push(facebook_psid.as_deref());
        self.owner_id.push(owner_id.as_ref().map(|id| id.as_str()));
        self.owner_name.push(owner_name.as_deref());
        self.branch_id.push(branch_id.as_ref().map(|id| id.as_str()));
    }
}

fn contact_of(row: ContactRow) -> Result<Contact, StoreError> {
    let id = match row.key.split_once(':') {
        Some(("lead", id)) => ContactId::Lead(read::<LeadId>("key", id)?),
        Some(("student", id)) => ContactId::Student(read::<StudentId>("key", id)?),
        Some(_) | None => return Err(corrupt("contact", row.key)),
    };
    Ok(Contact {
        id,
        full_name: row.full_name,
        phone: read_option("phone", row.phone.as_deref())?,
        zalo_user_id: row.zalo_user_id,
        facebook_psid: row.facebook_psid,
        owner_id: read_option("owner_id", row.owner_id.as_deref())?,
        owner_name: row.owner_name,
        branch_id: read_option("branch_id", row.branch_id.as_deref())?,
        opted_out: row.opted_out.iter().map(|word| read("opted_out", word)).collect::<Result<_, _>>()?,
    })
}
