//! A template that somebody writes or looks at.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::channel::Channel;
use domain::ids::TemplateKey;
use domain::ports::Template;
use domain::template::{BadTitle, TemplateBody, TemplateError, new_key, new_title};
use domain::usecase::create::prepare::check_text;

use crate::form::Form;
use crate::lang::Lang;

/// The longest value of a variable that is tried, in characters.
const MAX_VALUE: usize = 1_000;

/// The form's fields.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The key of a stored template; `None` for a new one.
    pub(super) stored: Option<TemplateKey>,
    /// When it was changed last, as far as the form knows.
    pub(super) was: String,
    pub(super) key: String,
    pub(super) title: String,
    pub(super) channel: Channel,
    pub(super) body: String,
    pub(super) is_active: bool,
    /// The values that it is tried with.
    pub(super) variables: BTreeMap<String, String>,
}

/// What is wrong with a field.
pub(super) struct Wrong {
    /// The field's id.
    pub(super) field: &'static str,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// A time as the form carries it.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Draft {
    /// The fields as they were sent.
    pub(super) fn read(form: &Form, stored: Option<TemplateKey>) -> Self {
        let key = stored.as_ref().map(ToString::to_string);
        let line = |name| form.raw(name).trim().to_owned();
        Self {
            was: line("was"),
            key: key.unwrap_or_else(|| line("key")),
            title: line("title"),
            channel: form.read("channel").unwrap_or(Channel::Zalo),
            body: form.raw("body"),
            is_active: form.is_on("isActive"),
            variables: variables(form),
            stored,
        }
    }

    /// A new one.
    pub(super) fn blank(channel: Option<Channel>) -> Self {
        Self {
            stored: None,
            was: String::new(),
            key: String::new(),
            title: String::new(),
            channel: channel.unwrap_or(Channel::Zalo),
            body: String::new(),
            is_active: true,
            variables: BTreeMap::new(),
        }
    }

    /// A stored one, tried with the form's values.
    pub(super) fn of(template: &Template, form: &Form) -> Self {
        Self {
            stored: Some(template.key.clone()),
            was: stamp(template.updated_at),
            key: template.key.to_string(),
            title: template.title.clone(),
            channel: template.channel,
            body: template.body.source().to_owned(),
            is_active: template.is_active,
            variables: variables(form),
        }
    }

    /// The template that it comes to, or everything that is wrong with it.
    pub(super) fn template(&self, lang: Lang, now: DateTime<Utc>) -> Result<Template, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let key = match &self.stored {
            Some(key) => Some(key.clone()),
            None => new_key(&self.key).map_err(|_| wrong.push(bad_key(lang))).ok(),
        };
        let title = new_title(&self.title).map_err(|error| wrong.push(bad_title(lang, error))).ok();
        let body = self.parsed(lang).map_err(|reason| wrong.push(Wrong { field: "body", reason })).ok();
        match (key, title, body) {
            (Some(key), Some(title), Some(body)) => Ok(Template {
                key,
                title,
                channel: self.channel,
                body,
                is_active: self.is_active,
                updated_at: now,
            }),
            (None, ..) | (_, None, _) | (.., None) => Err(wrong),
        }
    }

    /// The body, or what is wrong with it.
    pub(super) fn parsed(&self, lang: Lang) -> Result<TemplateBody, String> {
        let body = TemplateBody::parse(&self.body).map_err(|error| bad_body(lang, &error))?;
        // What could not be sent as a text is no template either.
        match check_text(body.source()) {
            Ok(()) => Ok(body),
            Err(_) => Err(lang
                .t("Nội dung có ký tự điều khiển không hiển thị được.", "The text has control characters.")
                .to_owned()),
        }
    }

    /// Whether somebody else has changed it since the form was shown.
    pub(super) fn is_overtaken_by(&self, stored: &Template) -> bool {
        self.was != stamp(stored.updated_at)
    }
}

fn variables(form: &Form) -> BTreeMap<String, String> {
    let clean = |value: &str| value.chars().filter(|c| !c.is_control()).take(MAX_VALUE).collect::<String>();
    let given = form.under("var.").filter(|(_, value)| !value.trim().is_empty());
    given.map(|(name, value)| (name.to_owned(), clean(value))).collect()
}

fn bad_key(lang: Lang) -> Wrong {
    let reason = lang.t(
        "Mã mẫu gồm 1 đến 64 ký tự a–z, 0–9, “_”, “.” và “-”, ví dụ nhac_hoc_phi.",
        "The key has 1 to 64 of the characters a–z, 0–9, “_”, “.” and “-”, such as fee_reminder.",
    );
    Wrong { field: "key", reason: reason.to_owned() }
}

fn bad_title(lang: Lang, error: BadTitle) -> Wrong {
    let reason = match error {
        BadTitle::Blank => lang.t("Chưa đặt tên cho mẫu.", "The template has no title yet."),
        BadTitle::TooLong => lang.t("Tên mẫu dài quá 200 ký tự.", "The title has more than 200 characters."),
        BadTitle::ControlCharacter => lang.t("Tên mẫu có ký tự lạ.", "The title has control characters."),
    };
    Wrong { field: "title", reason: reason.to_owned() }
}

fn bad_body(lang: Lang, error: &TemplateError) -> String {
    let at = |text: &str, place: &domain::template::Place| {
        text.replace("{l}", &place.line.to_string()).replace("{c}", &place.character.to_string())
    };
    match error {
        TemplateError::Blank => lang.t("Chưa có nội dung.", "There is no text yet.").to_owned(),
        TemplateError::TooLong(length) => lang
            .t("Nội dung có {n} ký tự; tối đa 4.000.", "The text has {n} characters; at most 4,000.")
            .replace("{n}", &lang.number(*length as u64)),
        TemplateError::Nul(place) => at(
            lang.t("Ký tự lạ ở dòng {l}, ký tự {c}.", "A NUL character on line {l}, character {c}."),
            place,
        ),
        TemplateError::Unclosed(place) => at(
            lang.t(
                "“{{” ở dòng {l}, ký tự {c} chưa được đóng bằng “}}”.",
                "“{{” on line {l}, character {c} is never closed with “}}”.",
            ),
            place,
        ),
        TemplateError::Stray(place) => at(
            lang.t(
                "“}}” ở dòng {l}, ký tự {c} không có “{{” đứng trước.",
                "“}}” on line {l}, character {c} has no “{{” before it.",
            ),
            place,
        ),
        TemplateError::NoName(place) => at(
            lang.t(
                "“{{ }}” ở dòng {l}, ký tự {c} chưa có tên biến.",
                "“{{ }}” on line {l}, character {c} names no variable.",
            ),
            place,
        ),
        TemplateError::BadName { name, place } => at(
            lang.t(
                "“{name}” ở dòng {l}, ký tự {c} không phải tên biến: chỉ dùng chữ không dấu, số, “_” và “.”.",
                "“{name}” on line {l}, character {c} is no variable: use letters A–Z, digits, “_” and “.”.",
            ),
            place,
        )
        .replace("{name}", name),
    }
}
