//! Channels, priorities and whoever acts.

use domain::actor::Actor;
use domain::channel::Channel;
use domain::ids::OwnerId;
use domain::message::{Content, Priority};

use crate::lang::Lang;

/// A channel as people call it.
pub(crate) const fn channel(lang: Lang, channel: Channel) -> &'static str {
    match channel {
        Channel::Zalo => "Zalo",
        Channel::Facebook => "Messenger",
        Channel::Sms => "SMS",
        Channel::CallNote => lang.t("Ghi chú gọi", "Call note"),
    }
}

/// What the text of a message is to whoever reads it here.
pub(crate) const fn text_title(lang: Lang, channel: Channel, is_sent: bool) -> &'static str {
    match channel {
        Channel::CallNote => lang.t("Nội dung ghi chú gọi", "The call note"),
        Channel::Zalo | Channel::Facebook | Channel::Sms if is_sent => {
            lang.t("Khách hàng đã nhận", "As the customer got it")
        }
        Channel::Zalo | Channel::Facebook | Channel::Sms => {
            lang.t("Khách hàng sẽ thấy", "As the customer sees it")
        }
    }
}

/// A channel's icon.
pub(crate) const fn channel_icon(channel: Channel) -> &'static str {
    match channel {
        Channel::Zalo => "zalo",
        Channel::Facebook => "messenger",
        Channel::Sms => "sms",
        Channel::CallNote => "call",
    }
}

/// A priority in words.
pub(crate) const fn priority(lang: Lang, priority: Priority) -> &'static str {
    match priority {
        Priority::High => lang.t("Cao", "High"),
        Priority::Medium => lang.t("Vừa", "Medium"),
        Priority::Low => lang.t("Thấp", "Low"),
    }
}

/// A priority's shape: a class, and an icon.
pub(crate) const fn priority_shape(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "up",
        Priority::Medium => "level",
        Priority::Low => "down",
    }
}

/// Whoever made a step of a message.
pub(crate) fn actor(lang: Lang, actor: &Actor, content: &Content) -> String {
    whoever(lang, actor, |id| match &content.owner_name {
        Some(name) if content.owner_id.as_ref() == Some(id) => name.clone(),
        Some(_) | None => id.to_string(),
    })
}

/// Whoever made a step of a message, where it was a person or the CRM: who else does a step is in the step's name.
pub(crate) fn person(lang: Lang, by: &Actor, content: &Content) -> String {
    match by {
        Actor::User(_) | Actor::Operator(_) | Actor::Service => actor(lang, by, content),
        Actor::Worker | Actor::N8n | Actor::System => String::new(),
    }
}

/// Whoever did it; `user` says how a user of the CRM is called.
pub(crate) fn whoever(lang: Lang, actor: &Actor, user: impl FnOnce(&OwnerId) -> String) -> String {
    match actor {
        Actor::User(id) => user(id),
        Actor::Operator(id) => lang.t("quản trị viên", "operator").to_owned() + " " + id.as_str(),
        Actor::Worker => lang.t("lượt gửi", "a worker run").to_owned(),
        Actor::N8n => "N8N".to_owned(),
        Actor::Service => "CRM".to_owned(),
        Actor::System => lang.t("hệ thống", "the system").to_owned(),
    }
}

/// A phone number as people read it: `0912 340 101`; everything else as it is.
pub(crate) fn address(raw: &str) -> String {
    let Some(rest) = raw.strip_prefix("+84").filter(|rest| rest.len() == 9) else { return raw.to_owned() };
    let part = |from: usize, to: usize| rest.get(from..to).unwrap_or_default();
    format!("0{} {} {}", part(0, 3), part(3, 6), part(6, 9))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn vietnamese_numbers_are_written_as_at_home() {
        assert_eq!(address("+84912340101"), "0912 340 101");
        assert_eq!(address("+14155550100"), "+14155550100");
    }
}
