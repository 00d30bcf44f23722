//! One line of the queue.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::message::Message;
use domain::rules::Rules;

use crate::error::PageError;
use crate::form;
use crate::lang::Lang;
use crate::present::held::Held;
use crate::present::people;
use crate::present::status::{self, Pill};
use crate::present::time::{Moment, moment};

/// How much of a text a line holds, in characters; the style cuts it further.
const SHOWN: usize = 160;

/// A message as a line of the queue.
#[derive(Template)]
#[template(path = "row.html")]
pub(crate) struct Row {
    lang: Lang,
    id: String,
    revision: i32,
    created: Moment,
    channel: &'static str,
    channel_icon: &'static str,
    pub(crate) name: String,
    address: String,
    template: String,
    pub(crate) text: String,
    priority: &'static str,
    priority_shape: &'static str,
    pub(crate) pill: Pill,
    note: String,
    attempts: String,
    pub(crate) owner: String,
    pub(crate) owner_id: String,
    /// The list of this owner's messages.
    owner_href: String,
    icons: String,
}

impl Row {
    /// The line of a message.
    pub(crate) fn new(lang: Lang, message: &Message, held: &Held, rules: &Rules, now: DateTime<Utc>) -> Self {
        let content = &message.content;
        let address = content.to.as_ref().map(|to| people::address(to.as_str())).unwrap_or_default();
        let name = content.full_name.clone().unwrap_or_default();
        let owner_id = content.owner_id.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            lang,
            id: message.id.to_string(),
            revision: message.revision,
            created: moment(message.created_at, now, rules.quiet_hours.zone()),
            channel: people::channel(lang, content.channel),
            channel_icon: people::channel_icon(content.channel),
            name: if name.is_empty() { address.clone() } else { name },
            address,
            template: content.template_key.as_ref().map(ToString::to_string).unwrap_or_default(),
            text: content.text.0.chars().take(SHOWN).collect(),
            priority: people::priority(lang, message.priority),
            priority_shape: people::priority_shape(message.priority),
            pill: status::pill(lang, &message.state),
            note: status::note(lang, message, held, rules, now),
            attempts: if message.attempted { message.attempt.to_string() } else { "–".to_owned() },
            owner: content.owner_name.clone().unwrap_or_else(|| owner_id.clone()),
            owner_href: format!("/outbound?{}", form::query([("owner", owner_id.as_str())])),
            owner_id,
            icons: crate::assets::address("icons.svg"),
        }
    }

    /// The line as HTML.
    pub(crate) fn html(&self) -> Result<String, PageError> {
        Ok(self.render()?)
    }
}
