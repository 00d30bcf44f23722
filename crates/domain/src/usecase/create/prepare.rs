//! From one recipient of a command to a message's content, or to all that is wrong with it.

use std::collections::BTreeMap;

use super::directory::Directory;
use super::{CreateCommand, RecipientSpec, TextSource};
use crate::access::{Caller, Role, Scope};
use crate::actor::Actor;
use crate::address::Address;
use crate::channel::Channel;
use crate::contact::{Contact, ContactId};
use crate::ids::{BranchId, OwnerId};
use crate::message::{Content, Text};
use crate::ports::templates::Template;
use crate::sms::strip_diacritics;
use crate::template::MAX_BODY;
use crate::text::{nfc, shows};

/// The longest text of a message, in characters.
pub const MAX_TEXT: usize = MAX_BODY;

/// What kind of mistake a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The value can't be used.
    Invalid,
    /// It names something that does not exist.
    NotFound,
    /// It names something outside the caller's scope.
    Forbidden,
    /// The template needs a variable that is empty.
    MissingVariable,
}

/// One thing that is wrong, by the field's path in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind.
    pub kind: ProblemKind,
    /// The field's path, such as `variables.name`.
    pub field: String,
    /// What is wrong with it, for people.
    pub reason: String,
}

impl Problem {
    /// A value that can't be used.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind: ProblemKind::Invalid, field: field.into(), reason: reason.into() }
    }
    /// Something that does not exist.
    pub fn not_found(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind: ProblemKind::NotFound, field: field.into(), reason: reason.into() }
    }
    /// Something outside the caller's scope.
    pub fn forbidden(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind: ProblemKind::Forbidden, field: field.into(), reason: reason.into() }
    }
}

/// What is the same for all recipients of a command.
pub(super) struct Preparation<'a> {
    pub(super) caller: &'a Caller,
    pub(super) command: &'a CreateCommand,
    pub(super) template: Option<&'a Template>,
    pub(super) directory: &'a Directory,
    /// The text of all, where there is no template.
    text: Option<String>,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(
        caller: &'a Caller,
        command: &'a CreateCommand,
        template: Option<&'a Template>,
        directory: &'a Directory,
    ) -> Self {
        Self { caller, command, template, directory, text: command.source.text().map(nfc) }
    }
}

/// A recipient that can't be sent to.
pub(super) struct Misfit {
    /// Everything that is wrong; nothing where the template alone is not known.
    pub(super) problems: Vec<Problem>,
    /// Where it would go, as far as that is known.
    pub(super) to: Option<Address>,
    /// What it would say, as far as that is known.
    pub(super) text: Option<String>,
}

/// Checks a text: 1 to 4,000 characters, no control characters but line breaks and tabs.
pub fn check_text(text: &str) -> Result<(), Problem> {
    if !shows(text) {
        return Err(Problem::invalid("text", "must not be empty"));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Problem::invalid("text", format!("must have at most {MAX_TEXT} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Problem::invalid("text", "must not contain control characters"));
    }
    Ok(())
}

/// One recipient's content, or everything that is wrong.
pub(super) fn prepare(common: &Preparation<'_>, recipient: &RecipientSpec) -> Result<Content, Misfit> {
    let scope = common.caller.scope();
    let mut problems = Vec::new();
    let contacts = named_contacts(common, recipient, &scope, &mut problems);
    let to = address(common, recipient, &contacts, &scope, &mut problems);
    let (owner_id, branch_id) = ownership(common, &contacts);
    if problems.is_empty() && !scope.covers(owner_id.as_ref(), branch_id.as_ref()) {
        problems.push(Problem::forbidden(
            "ownerId",
            "the message would belong to an owner or branch outside your scope",
        ));
    }
    let known = known(common, &contacts, to.as_ref(), owner_id.as_ref());
    let text = text(common, recipient, &known, &mut problems);
    match text {
        Some(text) if problems.is_empty() => Ok(Content {
            channel: common.command.channel,
            to,
            template_key: common.template.map(|t| t.key.clone()),
            text: Text(text),
            lead_id: recipient.lead_id.clone(),
            student_id: recipient.student_id.clone(),
            notification_id: common.command.notification_id.clone(),
            owner_id,
            branch_id,
            job_id: common.command.job_id,
            full_name: known.name,
            owner_name: known.owner_name,
            created_by: Actor::User(common.caller.subject.clone()),
            scheduled_at: None,
        }),
        text => Err(Misfit { problems, to, text }),
    }
}

/// Every contact that the recipient names, the student first. Each is checked against the scope, not the first alone.
pub(super) fn named_contacts<'a>(
    common: &Preparation<'a>,
    recipient: &RecipientSpec,
    scope: &Scope,
    problems: &mut Vec<Problem>,
) -> Vec<&'a Contact> {
    let student = recipient.student_id.clone().map(|id| ("studentId", ContactId::Student(id)));
    let lead = recipient.lead_id.clone().map(|id| ("leadId", ContactId::Lead(id)));
    let mut found = Vec::new();
    for (field, id) in student.into_iter().chain(lead) {
        match common.directory.contact(&id) {
            None => {
                problems.push(Problem::not_found(field, "is not known; the CRM has not pushed this contact"))
            }
            Some(contact) if scope.covers(contact.owner_id.as_ref(), contact.branch_id.as_ref()) => {
                found.push(contact)
            }
            Some(_) => problems.push(Problem::forbidden(field, "is a contact outside your scope")),
        }
    }
    found
}

/// The address: the request's, else the contact's. ZALO and SMS need a phone (§9).
pub(super) fn address(
    common: &Preparation<'_>,
    recipient: &RecipientSpec,
    contacts: &[&Contact],
    scope: &Scope,
    problems: &mut Vec<Problem>,
) -> Option<Address> {
    let channel = common.command.channel;
    if let Some(raw) = &recipient.to {
        return match Address::parse(channel, raw) {
            Ok(address) if common.directory.is_foreign(&address, scope) => {
                problems.push(Problem::forbidden("to", "is the address of a contact outside your scope"));
                None
            }
            Ok(address) => Some(address),
            Err(error) => {
                problems.push(Problem::invalid("to", error.to_string()));
                None
            }
        };
    }
    let named = recipient.lead_id.is_some() || recipient.student_id.is_some();
    let address = contacts.iter().find_map(|c| c.address(channel));
    if !named {
        problems.push(Problem::invalid("to", "one of to, leadId and studentId is needed"));
    } else if address.is_none() && !contacts.is_empty() && matches!(channel, Channel::Zalo | Channel::Sms) {
        problems.push(Problem::invalid("to", "the contact has no phone number, which this channel needs"));
    }
    address
}

/// Owner and branch: the request's, else the contact's, else (a bare `to` from telesales or a manager) the caller's.
pub(super) fn ownership(
    common: &Preparation<'_>,
    contacts: &[&Contact],
) -> (Option<OwnerId>, Option<BranchId>) {
    let own = match common.caller.role {
        Role::Telesales | Role::Manager if contacts.is_empty() => true,
        Role::Telesales | Role::Manager | Role::Admin | Role::DirectPage | Role::Viewer => false,
    };
    let owner = common.command.owner_id.clone().or_else(|| contacts.iter().find_map(|c| c.owner_id.clone()));
    let branch =
        common.command.branch_id.clone().or_else(|| contacts.iter().find_map(|c| c.branch_id.clone()));
    (
        owner.or_else(|| own.then(|| common.caller.subject.clone())),
        branch.or_else(|| if own { common.caller.branch.clone() } else { None }),
    )
}

/// What is known of a recipient, as variables of the template.
pub(super) struct Known {
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) owner_name: Option<String>,
}

pub(super) fn known(
    common: &Preparation<'_>,
    contacts: &[&Contact],
    to: Option<&Address>,
    owner: Option<&OwnerId>,
) -> Known {
    Known {
        name: contacts.iter().find_map(|c| c.full_name.clone()),
        phone: phone(to, contacts),
        owner_name: owner_name(common, contacts, owner),
    }
}

fn owner_name(common: &Preparation<'_>, contacts: &[&Contact], owner: Option<&OwnerId>) -> Option<String> {
    let of_contact =
        contacts.iter().find(|c| c.owner_id.as_ref() == owner).and_then(|c| c.owner_name.clone());
    of_contact
        .or_else(|| if owner == Some(&common.caller.subject) { common.caller.name.clone() } else { None })
}

fn phone(to: Option<&Address>, contacts: &[&Contact]) -> Option<String> {
    match to {
        Some(Address::Phone(number)) => Some(number.as_str().to_owned()),
        Some(Address::Provider(_)) | None => {
            contacts.iter().find_map(|c| c.phone.as_ref().map(|number| number.as_str().to_owned()))
        }
    }
}

/// A variable's value: the recipient's own wins over the command's, that over what is known.
pub(super) fn value(
    common: &Preparation<'_>,
    recipient: &RecipientSpec,
    known: &Known,
    name: &str,
) -> Option<String> {
    let given = |vars: &BTreeMap<String, String>| vars.get(name).filter(|value| shows(value)).cloned();
    given(&recipient.variables).or_else(|| given(&common.command.variables)).or_else(|| match name {
        "name" => known.name.clone(),
        "phone" => known.phone.clone(),
        "ownerName" => known.owner_name.clone(),
        _ => None,
    })
}

/// The text as the customer sees it.
fn text(
    common: &Preparation<'_>,
    recipient: &RecipientSpec,
    known: &Known,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let template = match (&common.command.source, common.template) {
        (TextSource::Text(_), _) => return common.text.clone(),
        (TextSource::Template(_) | TextSource::PlainTemplate(_), Some(template)) => template,
        (TextSource::Template(_) | TextSource::PlainTemplate(_), None) => return None,
    };
    let filled = template.body.render(|name| value(common, recipient, known, name));
    match filled.map(|text| if common.command.source.is_plain() { strip_diacritics(&text) } else { text }) {
        Ok(text) => match check_text(&text) {
            Ok(()) => Some(text),
            Err(problem) => {
                problems.push(Problem { field: "variables".to_owned(), ..problem });
                None
            }
        },
        Err(missing) => {
            problems.extend(missing.names().iter().map(|name| Problem {
                kind: ProblemKind::MissingVariable,
                field: format!("variables.{name}"),
                reason: format!("the template needs `{name}`, and it is empty"),
            }));
            None
        }
    }
}
