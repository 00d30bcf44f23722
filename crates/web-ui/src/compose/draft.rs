//! What somebody is writing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::access::Caller;
use domain::channel::Channel;
use domain::ids::{LeadId, StudentId, TemplateKey};
use domain::message::Priority;
use domain::sms::strip_diacritics;
use domain::usecase::create::prepare::Problem;
use domain::usecase::create::preview::preview;
use domain::usecase::create::{CreateCommand, CreateError, RecipientSpec, TextSource};

use crate::error::PageError;
use crate::form::Form;
use crate::message::UNDO;
use crate::pages::Pages;
use crate::present::time::from_local;

/// The longest value of a variable that is read, in characters.
const MAX_VALUE: usize = 1_000;

/// Who is to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipient {
    Lead(LeadId),
    Student(StudentId),
    /// An address that was typed.
    To(String),
}

impl Recipient {
    fn read(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        match kind {
            "lead" => LeadId::parse(value).ok().map(Self::Lead),
            "student" => StudentId::parse(value).ok().map(Self::Student),
            "to" => Some(Self::To(value.to_owned())),
            _ => None,
        }
    }

    /// As the form's field holds it.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Lead(id) => format!("lead:{id}"),
            Self::Student(id) => format!("student:{id}"),
            Self::To(to) => format!("to:{to}"),
        }
    }
}

/// The form's fields.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) key: String,
    pub(super) channel: Channel,
    /// `None`: the text is written freely.
    pub(super) template: Option<TemplateKey>,
    pub(super) text: String,
    pub(super) search: String,
    pub(super) recipient: Option<Recipient>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) priority: Priority,
    pub(super) is_later: bool,
    pub(super) at: String,
    pub(super) allow_duplicate: bool,
    /// Without diacritics.
    pub(super) plain: bool,
}

impl Draft {
    pub(super) fn read(form: &Form, pages: &Pages) -> Self {
        let channel = form.read("channel").unwrap_or(Channel::Zalo);
        let key = form.get("key").filter(|key| key.len() <= 64).map(str::to_owned);
        let lead = form.read("lead").map(Recipient::Lead);
        let named = lead.or_else(|| form.read("student").map(Recipient::Student));
        let clean =
            |value: &str| value.chars().filter(|c| !c.is_control()).take(MAX_VALUE).collect::<String>();
        let variables = form.under("var.").filter(|(_, value)| !value.trim().is_empty());
        Self {
            key: key.unwrap_or_else(|| pages.entropy.uuid(pages.clock.now()).to_string()),
            channel,
            template: form.read("template"),
            text: form.raw("text"),
            search: clean(form.get("who").unwrap_or_default()),
            recipient: form.get("recipient").and_then(Recipient::read).or(named),
            variables: variables.map(|(name, value)| (name.to_owned(), clean(value))).collect(),
            priority: form.read("priority").unwrap_or(Priority::Medium),
            is_later: form.get("when") == Some("later"),
            at: form.get("at").unwrap_or_default().to_owned(),
            allow_duplicate: form.is_on("allowDuplicate"),
            plain: channel == Channel::Sms && form.is_on("plain"),
        }
    }

    /// The recipient as the use cases take it.
    pub(super) fn spec(&self) -> RecipientSpec {
        let nobody = RecipientSpec { variables: self.variables.clone(), ..RecipientSpec::default() };
        match self.recipient.clone() {
            Some(Recipient::Lead(id)) => RecipientSpec { lead_id: Some(id), ..nobody },
            Some(Recipient::Student(id)) => RecipientSpec { student_id: Some(id), ..nobody },
            Some(Recipient::To(to)) => RecipientSpec { to: Some(to), ..nobody },
            None => nobody,
        }
    }

    /// When it is to go; `None` where it is to go later and the time can't be read.
    pub(super) fn goes_at(&self, pages: &Pages, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.is_later {
            return Some(now + UNDO);
        }
        from_local(&self.at, pages.zone())
    }

    /// The text as far as it is known, and the variables that it lacks.
    pub(super) async fn filled(
        &self,
        pages: &Pages,
        caller: &Caller,
    ) -> Result<Result<(String, Vec<String>), Vec<Problem>>, PageError> {
        let Some(key) = &self.template else { return Ok(Ok((self.text.clone(), Vec::new()))) };
        match preview(&pages.deps(), caller, key.clone(), self.spec()).await {
            Ok(preview) => Ok(Ok((preview.filled.text, preview.filled.missing))),
            Err(CreateError::Command(problems)) => Ok(Err(problems)),
            Err(CreateError::Store(error)) => Err(error.into()),
        }
    }

    /// The command that it comes to, or what is wrong with it.
    pub(super) fn command(&self, pages: &Pages, now: DateTime<Utc>) -> Result<CreateCommand, Vec<Problem>> {
        let Some(scheduled_at) = self.goes_at(pages, now) else {
            return Err(vec![Problem::invalid("at", "is no time")]);
        };
        let mut recipient = self.spec();
        if self.template.is_none() {
            recipient.variables.clear();
        }
        Ok(CreateCommand {
            channel: self.channel,
            source: source(self.template.as_ref(), &self.text, self.plain),
            recipients: vec![recipient],
            variables: BTreeMap::new(),
            priority: self.priority,
            owner_id: None,
            branch_id: None,
            notification_id: None,
            scheduled_at: Some(scheduled_at),
            allow_duplicate: self.allow_duplicate,
            job_id: None,
        })
    }
}

/// What a form's text comes to. Without its diacritics a template's message is of that template still: the rule for
/// duplicates sees it.
pub(crate) fn source(template: Option<&TemplateKey>, text: &str, plain: bool) -> TextSource {
    match (template, plain) {
        (Some(key), true) => TextSource::PlainTemplate(key.clone()),
        (Some(key), false) => TextSource::Template(key.clone()),
        (None, true) => TextSource::Text(strip_diacritics(text)),
        (None, false) => TextSource::Text(text.to_owned()),
    }
}
