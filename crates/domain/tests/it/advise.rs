//! What a command would come to, all at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::access::{Caller, Role};
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{LeadId, OwnerId, TemplateKey};
use domain::message::Priority;
use domain::phone::PhoneNumber;
use domain::ports::templates::Template;
use domain::ports::{ContactStore, Filter, MessageReader, TemplateStore};
use domain::template::TemplateBody;
use domain::usecase::create::advise::{Advice, advise};
use domain::usecase::create::{CreateCommand, RecipientSpec, TextSource, create};

use crate::build::{World, caller, morning};

fn world() -> World {
    let world = World::new();
    let contact = Contact {
        id: ContactId::Lead(LeadId::parse("l1").unwrap()),
        full_name: Some("An".to_owned()),
        phone: Some(PhoneNumber::parse("0901234561").unwrap()),
        zalo_user_id: None,
        facebook_psid: None,
        owner_id: Some(OwnerId::parse("u1").unwrap()),
        owner_name: None,
        branch_id: None,
        opted_out: BTreeSet::from([Channel::Sms]),
    };
    pollster::block_on(world.store.upsert_contacts(&[contact], morning())).unwrap();
    let template = Template {
        key: TemplateKey::parse("hello").unwrap(),
        title: "Chào".to_owned(),
        channel: Channel::Zalo,
        body: TemplateBody::parse("Chào {{ name }} về {{ topic }}").unwrap(),
        is_active: true,
        updated_at: morning(),
    };
    pollster::block_on(world.store.insert_template(&template)).unwrap();
    world
}

fn command(channel: Channel, source: TextSource, recipients: Vec<RecipientSpec>) -> CreateCommand {
    CreateCommand {
        channel,
        source,
        recipients,
        variables: BTreeMap::new(),
        priority: Priority::Medium,
        owner_id: None,
        branch_id: None,
        notification_id: None,
        scheduled_at: None,
        allow_duplicate: false,
        job_id: None,
    }
}

fn text(text: &str) -> TextSource {
    TextSource::Text(text.to_owned())
}

fn to(number: &str) -> RecipientSpec {
    RecipientSpec { to: Some(number.to_owned()), ..RecipientSpec::default() }
}

fn lead(id: &str) -> RecipientSpec {
    RecipientSpec { lead_id: Some(LeadId::parse(id).unwrap()), ..RecipientSpec::default() }
}

fn sales() -> Caller {
    caller(Role::Telesales, "u1", None)
}

fn told(world: &World, caller: &Caller, command: &CreateCommand) -> Advice {
    pollster::block_on(advise(&world.deps(), caller, command, true)).unwrap()
}

fn codes(notices: &[domain::usecase::create::notice::Notice]) -> Vec<&'static str> {
    notices.iter().map(|notice| notice.code()).collect()
}

#[test]
fn what_is_wrong_for_all_and_what_is_wrong_with_the_recipient_are_told_together() {
    let world = world();
    let wrong = CreateCommand {
        owner_id: Some(OwnerId::parse("u9").unwrap()),
        scheduled_at: Some(morning() + TimeDelta::days(400)),
        ..command(Channel::Zalo, TextSource::Template(TemplateKey::parse("hello").unwrap()), vec![to("12")])
    };
    let advice = told(&world, &sales(), &wrong);
    let fields = |problems: &[domain::usecase::create::prepare::Problem]| {
        problems.iter().map(|problem| problem.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(&advice.problems), ["ownerId", "scheduledAt"]);
    assert_eq!(fields(&advice.recipients[0].problems), ["to", "variables.name", "variables.topic"]);
}

#[test]
fn an_opt_out_and_a_duplicate_are_foretold_and_nothing_is_stored() {
    let world = world();
    let opted_out = told(&world, &sales(), &command(Channel::Sms, text("Chao"), vec![lead("l1")]));
    assert!(opted_out.recipients[0].opted_out);
    assert_eq!(codes(&opted_out.recipients[0].notices), ["OPTED_OUT"]);
    let twice = command(Channel::Zalo, text("Chao"), vec![to("0901234599"), to("+84901234599")]);
    let duplicates = |advice: Advice| advice.recipients.iter().map(|r| r.duplicate).collect::<Vec<_>>();
    assert_eq!(duplicates(told(&world, &sales(), &twice)), [false, true], "within one command");
    let stored = pollster::block_on(world.store.matching(
        &domain::access::Scope::everything(),
        &Filter::default(),
        None,
        10,
    ));
    assert!(stored.unwrap().is_empty());
    pollster::block_on(create(&world.deps(), &sales(), &twice)).unwrap();
    assert_eq!(duplicates(told(&world, &sales(), &twice)), [true, true]);
    let allowed = CreateCommand { allow_duplicate: true, ..twice };
    assert_eq!(duplicates(told(&world, &sales(), &allowed)), [false, false]);
}

#[test]
fn nothing_is_told_of_a_recipient_outside_the_scope() {
    let world = world();
    let other = caller(Role::Telesales, "u2", None);
    let advice = told(&world, &other, &command(Channel::Sms, text("Chao"), vec![lead("l1")]));
    let recipient = &advice.recipients[0];
    assert_eq!((recipient.opted_out, recipient.to.is_some(), recipient.problems.len()), (false, false, 1));
}

#[test]
fn quiet_hours_and_the_time_at_which_it_goes_are_foretold() {
    let world = world();
    let night = CreateCommand {
        scheduled_at: Some("2026-03-02T20:00:00Z".parse().unwrap()),
        ..command(Channel::Zalo, text("Chao"), vec![to("0901234599")])
    };
    let advice = told(&world, &sales(), &night);
    let opens = "2026-03-03T01:00:00Z".parse().unwrap();
    assert_eq!(codes(&advice.notices), ["SCHEDULED", "QUIET_HOURS"]);
    assert_eq!((advice.quiet_until, advice.expected_at), (Some(opens), Some(opens)));
}

#[test]
fn a_text_s_sms_a_template_s_channel_and_variables_in_vain_are_noted() {
    let world = world();
    let mut sms = command(
        Channel::Sms,
        TextSource::Template(TemplateKey::parse("hello").unwrap()),
        vec![to("0901234599")],
    );
    sms.variables = BTreeMap::from([
        ("name".to_owned(), "Bình".to_owned()),
        ("topic".to_owned(), "học phí ".repeat(9)),
        ("nmae".to_owned(), "?".to_owned()),
    ]);
    sms.scheduled_at = Some(morning() - TimeDelta::hours(1));
    let advice = told(&world, &sales(), &sms);
    assert_eq!(
        codes(&advice.notices),
        ["SCHEDULED_IN_THE_PAST", "TEMPLATE_FOR_OTHER_CHANNEL", "UNUSED_VARIABLES"]
    );
    assert_eq!(codes(&advice.recipients[0].notices), ["SMS_PARTS", "SMS_UNICODE"]);
    assert_eq!(advice.recipients[0].sms.as_ref().unwrap().parts, 2);
}
