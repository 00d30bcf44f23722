//! What a form lets one choose.

use domain::channel::Channel;
use domain::ids::TemplateKey;
use domain::message::Priority;
use domain::ports::Template;

use super::people;
use crate::lang::Lang;

/// One choice.
pub(crate) struct Choice {
    /// What the form sends.
    pub(crate) value: String,
    /// What it is called.
    pub(crate) label: String,
    /// What else there is to say of it.
    pub(crate) note: String,
    /// Its icon, where it has one.
    pub(crate) icon: &'static str,
    /// Whether it is chosen.
    pub(crate) is_chosen: bool,
}

/// The channels.
pub(crate) fn channels(lang: Lang, chosen: Channel) -> Vec<Choice> {
    let one = |channel: &Channel| Choice {
        value: channel.as_str().to_owned(),
        label: people::channel(lang, *channel).to_owned(),
        note: String::new(),
        icon: people::channel_icon(*channel),
        is_chosen: *channel == chosen,
    };
    Channel::ALL.iter().map(one).collect()
}

/// These templates.
pub(crate) fn templates(mine: &[&Template], chosen: Option<&TemplateKey>) -> Vec<Choice> {
    let one = |template: &&Template| Choice {
        value: template.key.to_string(),
        label: template.title.clone(),
        note: String::new(),
        icon: "",
        is_chosen: chosen == Some(&template.key),
    };
    mine.iter().map(one).collect()
}

/// The priorities.
pub(crate) fn priorities(lang: Lang, chosen: Priority) -> Vec<Choice> {
    let one = |priority: &Priority| Choice {
        value: priority.as_str().to_owned(),
        label: people::priority(lang, *priority).to_owned(),
        note: String::new(),
        icon: people::priority_shape(*priority),
        is_chosen: *priority == chosen,
    };
    Priority::ALL.iter().map(one).collect()
}
