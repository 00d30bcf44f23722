//! Queueing messages: who may write to whom, with which text.

use std::collections::BTreeMap;

use domain::access::{Caller, Role};
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{BranchId, LeadId, OwnerId, StudentId, TemplateKey};
use domain::message::{Priority, Status};
use domain::phone::PhoneNumber;
use domain::ports::templates::Template;
use domain::ports::{ContactStore, TemplateStore};
use domain::template::TemplateBody;
use domain::usecase::create::prepare::{Problem, ProblemKind};
use domain::usecase::create::{Batch, CreateCommand, CreateError, RecipientSpec, TextSource, create, plan};

use crate::build::{World, caller, morning};

fn contact(id: ContactId, phone: &str, owner: &str, branch: &str) -> Contact {
    Contact {
        id,
        full_name: Some("Nguyễn An".to_owned()),
        phone: Some(PhoneNumber::parse(phone).unwrap()),
        zalo_user_id: None,
        facebook_psid: None,
        owner_id: Some(OwnerId::parse(owner).unwrap()),
        owner_name: Some("Cô Lan".to_owned()),
        branch_id: Some(BranchId::parse(branch).unwrap()),
        opted_out: std::collections::BTreeSet::new(),
    }
}

fn lead(id: &str) -> LeadId {
    LeadId::parse(id).unwrap()
}

/// Two contacts: lead l1 is u1's, student s2 is u2's; one template.
fn world() -> World {
    let world = World::new();
    let contacts = [
        contact(ContactId::Lead(lead("l1")), "0901234561", "u1", "b1"),
        contact(ContactId::Student(StudentId::parse("s2").unwrap()), "0901234562", "u2", "b2"),
    ];
    pollster::block_on(world.store.upsert_contacts(&contacts, morning())).unwrap();
    let template = Template {
        key: TemplateKey::parse("hello").unwrap(),
        title: "Chào".to_owned(),
        channel: Channel::Zalo,
        body: TemplateBody::parse("Chào {{ name }}, liên hệ {{ ownerName }} về {{ topic }}").unwrap(),
        is_active: true,
        updated_at: morning(),
    };
    pollster::block_on(world.store.insert_template(&template)).unwrap();
    world
}

fn command(recipients: Vec<RecipientSpec>) -> CreateCommand {
    CreateCommand {
        channel: Channel::Zalo,
        source: TextSource::Text("Xin chào".to_owned()),
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

fn to_lead(id: &str) -> RecipientSpec {
    RecipientSpec { lead_id: Some(lead(id)), ..RecipientSpec::default() }
}

fn to_number(number: &str) -> RecipientSpec {
    RecipientSpec { to: Some(number.to_owned()), ..RecipientSpec::default() }
}

fn planned(world: &World, caller: &Caller, command: &CreateCommand) -> Batch {
    pollster::block_on(plan(&world.deps(), caller, command)).unwrap()
}

fn problems(batch: &Batch) -> Vec<(ProblemKind, &str)> {
    batch.rejected.iter().flat_map(|r| &r.problems).map(|p: &Problem| (p.kind, p.field.as_str())).collect()
}

fn sales() -> Caller {
    caller(Role::Telesales, "u1", None)
}

#[test]
fn a_message_to_a_contact_takes_phone_owner_and_branch_from_there() {
    let world = world();
    let batch = planned(&world, &sales(), &command(vec![to_lead("l1")]));
    let content = &batch.messages[0].1.content;
    assert_eq!(content.to.as_ref().unwrap().as_str(), "+84901234561");
    assert_eq!(content.owner_id, Some(OwnerId::parse("u1").unwrap()));
    assert_eq!(content.branch_id, Some(BranchId::parse("b1").unwrap()));
}

#[test]
fn every_id_that_a_request_names_is_checked_not_the_first_alone() {
    let world = world();
    let both = RecipientSpec { student_id: Some(StudentId::parse("s2").unwrap()), ..to_lead("l1") };
    assert_eq!(
        problems(&planned(&world, &sales(), &command(vec![both]))),
        [(ProblemKind::Forbidden, "studentId")]
    );
    let foreign_number = RecipientSpec { to: Some("0901234562".to_owned()), ..to_lead("l1") };
    assert_eq!(
        problems(&planned(&world, &sales(), &command(vec![foreign_number]))),
        [(ProblemKind::Forbidden, "to")]
    );
    let unknown = planned(&world, &sales(), &command(vec![to_lead("nobody")]));
    assert_eq!(problems(&unknown), [(ProblemKind::NotFound, "leadId")]);
    assert_eq!(
        problems(&planned(&world, &caller(Role::Admin, "a", None), &command(vec![to_number("0901234562")]))),
        []
    );
}

#[test]
fn a_page_scoped_id_of_a_foreign_contact_is_refused_like_a_foreign_number() {
    let world = world();
    let id = ContactId::Student(StudentId::parse("s3").unwrap());
    let foreign = Contact { facebook_psid: Some("7001".to_owned()), ..contact(id, "0901234563", "u2", "b2") };
    pollster::block_on(world.store.upsert_contacts(&[foreign], morning())).unwrap();
    let to = |psid: &str| CreateCommand { channel: Channel::Facebook, ..command(vec![to_number(psid)]) };
    assert_eq!(problems(&planned(&world, &sales(), &to("7001"))), [(ProblemKind::Forbidden, "to")]);
    assert_eq!(problems(&planned(&world, &sales(), &to("7002"))), []);
}

#[test]
fn a_time_that_has_passed_is_no_way_to_the_front_of_the_queue() {
    let world = world();
    let past = Some("0001-01-01T00:00:00Z".parse().unwrap());
    let batch =
        planned(&world, &sales(), &CreateCommand { scheduled_at: past, ..command(vec![to_lead("l1")]) });
    assert_eq!(batch.messages[0].1.state.due_at(), Some(morning()));
}

#[test]
fn a_bare_number_belongs_to_the_telesales_or_manager_who_gave_it() {
    let world = world();
    let batch =
        planned(&world, &caller(Role::Manager, "m1", Some("b1")), &command(vec![to_number("0901234599")]));
    let content = &batch.messages[0].1.content;
    assert_eq!(content.owner_id, Some(OwnerId::parse("m1").unwrap()));
    assert_eq!(content.branch_id, Some(BranchId::parse("b1").unwrap()));
    let other = CreateCommand {
        owner_id: Some(OwnerId::parse("u9").unwrap()),
        ..command(vec![to_number("0901234599")])
    };
    let refused = pollster::block_on(plan(&world.deps(), &sales(), &other));
    assert!(
        matches!(refused, Err(CreateError::Command(p)) if p[0].field == "ownerId" && p[0].kind == ProblemKind::Forbidden)
    );
}

#[test]
fn every_missing_variable_is_named_and_a_blank_one_is_missing() {
    let world = world();
    let template = TextSource::Template(TemplateKey::parse("hello").unwrap());
    let bare = CreateCommand { source: template.clone(), ..command(vec![to_number("0901234599")]) };
    let missing = planned(&world, &sales(), &bare);
    let fields: Vec<_> = problems(&missing).into_iter().map(|(_, field)| field).collect();
    assert_eq!(fields, ["variables.name", "variables.ownerName", "variables.topic"]);
    let mut full = CreateCommand { source: template, ..command(vec![to_lead("l1")]) };
    full.variables.insert("topic".to_owned(), "học phí".to_owned());
    full.variables.insert("name".to_owned(), "  ".to_owned());
    let batch = planned(&world, &sales(), &full);
    assert_eq!(batch.messages[0].1.content.text.0, "Chào Nguyễn An, liên hệ Cô Lan về học phí");
}

#[test]
fn a_wrong_recipient_does_not_spoil_the_others_and_each_keeps_its_place() {
    let world = world();
    let recipients =
        vec![to_number("12"), to_number("0901234598"), RecipientSpec::default(), to_number("0901234597")];
    let batch = pollster::block_on(create(&world.deps(), &sales(), &command(recipients))).unwrap();
    assert_eq!(batch.messages.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(batch.rejected.iter().map(|r| r.index).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn the_second_equal_message_of_a_day_is_skipped_unless_the_first_is_over_or_it_is_allowed() {
    let world = world();
    let send = |command: &CreateCommand| {
        pollster::block_on(create(&world.deps(), &sales(), command)).unwrap().messages.remove(0).1.status()
    };
    let same = command(vec![to_number("0901234599")]);
    assert_eq!(send(&same), Status::Queued);
    assert_eq!(send(&same), Status::Skipped);
    assert_eq!(send(&CreateCommand { allow_duplicate: true, ..same.clone() }), Status::Queued);
    world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(send(&same), Status::Queued);
}
