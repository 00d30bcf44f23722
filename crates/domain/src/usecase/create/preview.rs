//! What a template would say to somebody, as far as is known (contract §9, preview). Nothing is stored.

use std::collections::BTreeMap;

use super::directory::Directory;
use super::prepare::{Preparation, Problem, address, known, named_contacts, ownership, value};
use super::{CreateCommand, CreateError, RecipientSpec, TextSource};
use crate::access::Caller;
use crate::ids::TemplateKey;
use crate::message::Priority;
use crate::ports::Template;
use crate::template::Filled;
use crate::usecase::Deps;

/// A template filled for a recipient.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The template, active or not.
    pub template: Template,
    /// Its text; variables without a value stay in it.
    pub filled: Filled,
}

/// Fills a template for a recipient, of whom nothing need be known.
pub async fn preview(
    deps: &Deps<'_>,
    caller: &Caller,
    key: TemplateKey,
    recipient: RecipientSpec,
) -> Result<Preview, CreateError> {
    let Some(template) = deps.stores.template(&key).await? else {
        let problem = Problem::not_found("key", format!("there is no template `{key}`"));
        return Err(CreateError::Command(vec![problem]));
    };
    let command = CreateCommand {
        channel: template.channel,
        source: TextSource::Template(key),
        recipients: vec![recipient],
        variables: BTreeMap::new(),
        priority: Priority::Medium,
        owner_id: None,
        branch_id: None,
        notification_id: None,
        scheduled_at: None,
        allow_duplicate: false,
        job_id: None,
    };
    let directory = Directory::load(deps.stores, caller, &command).await?;
    let common = Preparation::new(caller, &command, Some(&template), &directory);
    let filled = fill(&common, &template)?;
    Ok(Preview { filled, template })
}

fn fill(common: &Preparation<'_>, template: &Template) -> Result<Filled, CreateError> {
    let scope = common.caller.scope();
    let mut problems = Vec::new();
    let nobody = RecipientSpec::default();
    let recipient = common.command.recipients.first().unwrap_or(&nobody);
    let contacts = named_contacts(common, recipient, &scope, &mut problems);
    // A preview needs no address; one that is given must be right.
    let to = match &recipient.to {
        Some(_) => address(common, recipient, &contacts, &scope, &mut problems),
        None => contacts.iter().find_map(|contact| contact.address(template.channel)),
    };
    if !problems.is_empty() {
        return Err(CreateError::Command(problems));
    }
    let (owner, _) = ownership(common, &contacts);
    let known = known(common, &contacts, to.as_ref(), owner.as_ref());
    Ok(template.body.fill(|name| value(common, recipient, &known, name)))
}
