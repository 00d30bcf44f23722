//! One row of a push.

use std::collections::BTreeSet;

use domain::address::Address;
use domain::channel::Channel;
use domain::contact::ContactId;
use domain::phone::PhoneNumber;
use domain::usecase::contacts::{ContactPush, Said};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::texts;
use crate::words::{ChannelWord, Word};

/// A person of the CRM: exactly one of `leadId` and `studentId` says who. What is left out stays as it is; null, and
/// blank text, clears it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContactForm {
    #[schema(min_length = 1, max_length = 64)]
    lead_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    student_id: Option<String>,
    /// `LEAD` or `STUDENT`, to say it twice; must go with the id.
    kind: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    full_name: Given<String>,
    /// Kept in E.164.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128)]
    zalo_user_id: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128)]
    facebook_psid: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 64)]
    owner_id: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    owner_name: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 64)]
    branch_id: Given<String>,
    /// The channels that they want nothing from; an empty list, or null, opens all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ChannelWord>>)]
    opted_out_channels: Given<Vec<Word<Channel>>>,
}

/// A field of which being left out and being null are two things.
#[derive(Default)]
struct Given<T>(Option<Option<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl Given<String> {
    /// What is said, read by `read`: it answers `None` for a text that is blank, or wrong and noted.
    fn said<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Said<T> {
        match &self.0 {
            None => Said::Nothing,
            Some(None) => Said::None,
            Some(Some(text)) if text.trim().is_empty() => Said::None,
            Some(Some(text)) => read(text).map_or(Said::None, Said::This),
        }
    }
}

impl TryFrom<ContactForm> for ContactPush {
    type Error = ApiError;

    fn try_from(form: ContactForm) -> Result<Self, ApiError> {
        let fields = &mut Fields::default();
        let id = id(fields, &form);
        let full_name = form.full_name.said(|text| texts::line(fields, "fullName", Some(text)));
        let phone = form.phone.said(|text| fields.parse::<PhoneNumber>("phone", Some(text)));
        let zalo_user_id = form.zalo_user_id.said(|text| provider_id(fields, "zaloUserId", text));
        let facebook_psid = form.facebook_psid.said(|text| provider_id(fields, "facebookPsid", text));
        let owner_id = form.owner_id.said(|text| fields.parse("ownerId", Some(text)));
        let owner_name = form.owner_name.said(|text| texts::line(fields, "ownerName", Some(text)));
        let branch_id = form.branch_id.said(|text| fields.parse("branchId", Some(text)));
        let opted_out = opted_out(fields, &form.opted_out_channels);
        let push = id.map(|id| Self {
            id,
            full_name,
            phone,
            zalo_user_id,
            facebook_psid,
            owner_id,
            owner_name,
            branch_id,
            opted_out,
        });
        std::mem::take(fields).finish(push)
    }
}

fn id(fields: &mut Fields, form: &ContactForm) -> Option<ContactId> {
    let lead = form.lead_id.as_deref();
    let student = form.student_id.as_deref();
    let (id, kind) = match (lead, student) {
        (Some(_), None) => (fields.parse("leadId", lead).map(ContactId::Lead), "LEAD"),
        (None, Some(_)) => (fields.parse("studentId", student).map(ContactId::Student), "STUDENT"),
        (None, None) => {
            fields.wrong("leadId", "is required, or studentId in its place");
            return None;
        }
        (Some(_), Some(_)) => {
            fields.wrong("studentId", "must not be given together with leadId: a contact is one of them");
            return None;
        }
    };
    if form.kind.as_deref().is_some_and(|given| !given.trim().eq_ignore_ascii_case(kind)) {
        fields.wrong("kind", format!("must be {kind}, as the id says, or left out"));
    }
    id
}

/// The same rule as for the address of a message.
fn provider_id(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    match Address::parse(Channel::Facebook, text) {
        Ok(address) => Some(address.as_str().to_owned()),
        Err(error) => {
            fields.wrong(path, error.to_string());
            None
        }
    }
}

fn opted_out(fields: &mut Fields, given: &Given<Vec<Word<Channel>>>) -> Said<BTreeSet<Channel>> {
    match &given.0 {
        None => Said::Nothing,
        Some(None) => Said::None,
        Some(Some(words)) => Said::This(
            words
                .iter()
                .enumerate()
                .filter_map(|(n, word)| fields.word(format!("optedOutChannels[{n}]"), Some(word)))
                .collect(),
        ),
    }
}
