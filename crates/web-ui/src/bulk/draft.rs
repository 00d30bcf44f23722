//! A list that somebody is about to send, with what it is to say.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::channel::Channel;
use domain::ids::{LeadId, StudentId, TemplateKey};
use domain::message::Priority;
use domain::ports::Template;
use domain::usecase::create::prepare::Problem;
use domain::usecase::create::{CreateCommand, RecipientSpec};
use sha2::{Digest, Sha256};

use super::columns::{Role, roles};
use super::sheet::{Header, Row, Sheet, SheetError};
use crate::compose::draft::source;
use crate::error::PageError;
use crate::form::Form;
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::time::from_local;

/// The longest name of a file that is shown, in characters.
const MAX_FILE: usize = 80;

/// The form's fields.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) key: String,
    pub(super) channel: Channel,
    /// `None`: the same text for all.
    pub(super) template: Option<TemplateKey>,
    pub(super) text: String,
    pub(super) priority: Priority,
    pub(super) is_later: bool,
    pub(super) at: String,
    pub(super) allow_duplicate: bool,
    /// Without diacritics.
    pub(super) plain: bool,
    /// What the list came from.
    pub(super) file: String,
    /// The list; `None` until there is one.
    pub(super) list: Option<Result<Sheet, SheetError>>,
    /// What was pasted and can't be read.
    pub(super) pasted: String,
    chosen: Option<Vec<Role>>,
    chosen_for: String,
    /// What the report was made of that the visitor has seen.
    pub(super) seen: String,
}

impl Draft {
    pub(super) fn read(form: &Form, pages: &Pages) -> Self {
        let channel = form.read("channel").unwrap_or(Channel::Zalo);
        let key = form.get("key").filter(|key| key.len() <= 64).map(str::to_owned);
        let mut draft = Self {
            key: key.unwrap_or_else(|| pages.entropy.uuid(pages.clock.now()).to_string()),
            channel,
            template: form.read("template"),
            text: form.raw("text"),
            priority: form.read("priority").unwrap_or(Priority::Medium),
            is_later: form.get("when") == Some("later"),
            at: form.get("at").unwrap_or_default().to_owned(),
            allow_duplicate: form.is_on("allowDuplicate"),
            plain: channel == Channel::Sms && form.is_on("plain"),
            file: form.get("from").unwrap_or_default().chars().take(MAX_FILE).collect(),
            list: None,
            pasted: String::new(),
            chosen: None,
            chosen_for: form.get("mappedFor").unwrap_or_default().to_owned(),
            seen: form.get("seen").unwrap_or_default().to_owned(),
        };
        draft.read_list(form);
        draft
    }

    fn read_list(&mut self, form: &Form) {
        if form.is_on("reset") {
            self.file = String::new();
        } else if let Some(upload) = form.upload("file") {
            self.file = upload.name.chars().filter(|c| !c.is_control()).take(MAX_FILE).collect();
            self.list = Some(Sheet::read(&upload.bytes, Header::Guess));
        } else if form.is_on("carried") {
            let (was, is) = (form.is_on("headed"), form.is_on("header"));
            self.list = Some(
                Sheet::parse(&form.raw("csv"), Header::Yes)
                    .map(|sheet| Sheet { has_header: was, separator: separator(form), ..sheet }.retaken(is)),
            );
            if was == is {
                let given: BTreeMap<usize, Role> = form
                    .under("col.")
                    .filter_map(|(place, word)| Some((place.parse().ok()?, Role::read(word))))
                    .collect();
                self.chosen = (!given.is_empty()).then(|| given.into_values().collect());
            }
        } else if !form.raw("csv").trim().is_empty() {
            self.pasted = form.raw("csv");
            self.file = String::new();
            self.list = Some(Sheet::parse(&self.pasted, Header::Guess));
        }
    }

    /// The list, where it can be read.
    pub(super) fn sheet(&self) -> Option<&Sheet> {
        self.list.as_ref().and_then(|list| list.as_ref().ok())
    }

    /// What goes with the list, as things stand now.
    pub(super) async fn terms(&self, pages: &Pages) -> Result<Terms, PageError> {
        let template = match &self.template {
            Some(key) => pages.stores.template(key).await?,
            None => None,
        };
        let variables = template.as_ref().map_or(&[][..], |template| template.body.variables());
        let names = self.sheet().map_or(&[][..], |sheet| &sheet.names);
        let same_text = self.chosen_for == self.text_name();
        let roles = roles(names, self.chosen.as_deref(), same_text, variables);
        Ok(Terms { roles, template })
    }

    /// The template's key, as the mapping of the columns is kept for it.
    pub(super) fn text_name(&self) -> String {
        self.template.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
    }

    /// When it is to go: at once (`None`), or at a time. An error where that is still to be chosen.
    pub(super) fn goes_at(&self, pages: &Pages) -> Result<Option<DateTime<Utc>>, Problem> {
        if !self.is_later {
            return Ok(None);
        }
        from_local(&self.at, pages.zone()).map(Some).ok_or_else(|| Problem::invalid("at", "is no time"))
    }

    /// The command of these recipients.
    pub(super) fn command(&self, at: Option<DateTime<Utc>>, recipients: Vec<RecipientSpec>) -> CreateCommand {
        CreateCommand {
            channel: self.channel,
            source: source(self.template.as_ref(), &self.text, self.plain),
            recipients,
            variables: BTreeMap::new(),
            priority: self.priority,
            owner_id: None,
            branch_id: None,
            notification_id: None,
            scheduled_at: at,
            allow_duplicate: self.allow_duplicate,
            job_id: None,
        }
    }
}

fn separator(form: &Form) -> char {
    if form.get("separator") == Some(";") { ';' } else { ',' }
}

/// What goes with a list, as things stand now.
pub(super) struct Terms {
    /// What the columns hold.
    pub(super) roles: Vec<Role>,
    /// The template, where one is used.
    pub(super) template: Option<Template>,
}

impl Terms {
    /// What a visitor agrees to who sends the list: it changes with the fields, the mapping and the template's text.
    pub(super) fn digest(&self, draft: &Draft) -> String {
        let Draft { channel, template, text, priority, is_later, at, allow_duplicate, plain, .. } = draft;
        let body = self.template.as_ref().map(|template| template.body.source());
        let all = format!(
            "{channel} {template:?} {text:?} {priority} {is_later} {at} {allow_duplicate} {plain} {body:?} {:?}",
            self.roles
        );
        Sha256::digest(all.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A list as recipients of a command.
pub(super) struct Recipients {
    /// Those that can be read.
    pub(super) specs: Vec<RecipientSpec>,
    /// Which row each of them is.
    pub(super) places: Vec<usize>,
    /// The rows that can't be read, and why.
    pub(super) unreadable: Vec<(usize, String)>,
}

impl Recipients {
    /// Reads rows whose columns hold this.
    pub(super) fn read(lang: Lang, sheet: &Sheet, roles: &[Role]) -> Self {
        let mut read = Self { specs: Vec::new(), places: Vec::new(), unreadable: Vec::new() };
        for (place, row) in sheet.rows.iter().enumerate() {
            match recipient(lang, row, roles) {
                Ok(spec) => {
                    read.specs.push(spec);
                    read.places.push(place);
                }
                Err(reason) => read.unreadable.push((place, reason)),
            }
        }
        read
    }
}

fn recipient(lang: Lang, row: &Row, roles: &[Role]) -> Result<RecipientSpec, String> {
    if row.cells.len() > roles.len() {
        let text = lang.t(
            "Dòng có {n} ô, danh sách chỉ có {m} cột: ô chứa dấu phẩy phải đặt trong ngoặc kép.",
            "The row has {n} cells, and the list {m} columns: a cell with a comma must stand in quotation marks.",
        );
        return Err(text
            .replace("{n}", &row.cells.len().to_string())
            .replace("{m}", &roles.len().to_string()));
    }
    let mut spec = RecipientSpec::default();
    for (role, cell) in roles.iter().zip(&row.cells).filter(|(_, cell)| !cell.is_empty()) {
        match role {
            Role::To => spec.to = Some(cell.clone()),
            Role::Lead => {
                let id = LeadId::parse(cell.as_str());
                spec.lead_id =
                    Some(id.map_err(|_| lang.t("Mã lead quá dài.", "The lead's id is too long."))?);
            }
            Role::Student => {
                let id = StudentId::parse(cell.as_str());
                let wrong = lang.t("Mã học viên quá dài.", "The student's id is too long.");
                spec.student_id = Some(id.map_err(|_| wrong)?);
            }
            Role::Variable(name) => {
                spec.variables.insert(name.clone(), cell.clone());
            }
            Role::Nothing => {}
        }
    }
    Ok(spec)
}
