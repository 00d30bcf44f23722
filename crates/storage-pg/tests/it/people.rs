//! Contacts and templates.

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{BranchId, LeadId, StudentId, TemplateKey};
use domain::phone::PhoneNumber;
use domain::ports::{Begin, ContactStore, Idempotency, StoredAnswer, Template, TemplateStore};
use domain::template::TemplateBody;

use crate::build::{fixture, morning, owner, seconds};

fn contact(id: &str, name: &str, phone: &str) -> Contact {
    Contact {
        id: ContactId::Lead(LeadId::parse(id).unwrap()),
        full_name: Some(name.to_owned()),
        phone: Some(PhoneNumber::parse(phone).unwrap()),
        zalo_user_id: Some("z1".to_owned()),
        facebook_psid: Some("f1".to_owned()),
        owner_id: Some(owner("u1")),
        owner_name: Some("Lan".to_owned()),
        branch_id: Some(BranchId::parse("b1").unwrap()),
        opted_out: BTreeSet::from([Channel::Sms, Channel::Facebook]),
    }
}

#[tokio::test]
async fn contacts_come_back_as_they_were_pushed_and_the_last_push_counts() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let full = contact("l1", "Nguyễn Văn Ân", "0901234567");
    let bare = Contact {
        id: ContactId::Student(StudentId::parse("l1").unwrap()),
        full_name: None,
        phone: None,
        zalo_user_id: None,
        facebook_psid: None,
        owner_id: None,
        owner_name: None,
        branch_id: None,
        opted_out: BTreeSet::new(),
    };
    store
        .upsert_contacts(&[contact("l1", "Cũ", "0907654321"), bare.clone(), full.clone()], morning())
        .await
        .unwrap();
    let unknown = ContactId::Lead(LeadId::parse("nobody").unwrap());
    let mut found = store.contacts(&[full.id.clone(), bare.id.clone(), unknown]).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found, [full.clone(), bare.clone()]);
    let numbers = [PhoneNumber::parse("0901234567").unwrap(), PhoneNumber::parse("0907654321").unwrap()];
    assert_eq!(store.contacts_by_phone(&numbers).await.unwrap(), std::slice::from_ref(&full));

    let emptied = Contact { id: full.id.clone(), ..bare };
    store.upsert_contacts(std::slice::from_ref(&emptied), morning() + seconds(1)).await.unwrap();
    assert_eq!(store.contacts(&[full.id]).await.unwrap(), [emptied]);
}

#[tokio::test]
async fn who_reads_contacts_to_change_them_is_not_overtaken() {
    let fixture = fixture().await;
    let before = contact("l1", "Lan", "0901234567");
    fixture.store.upsert_contacts(std::slice::from_ref(&before), morning()).await.unwrap();
    let Begin::Fresh(unit) = fixture.store.begin(None).await.unwrap() else { panic!("fresh") };
    let mut read = unit.stores().contacts_to_change(std::slice::from_ref(&before.id)).await.unwrap();
    let other = fixture.store.clone();
    let overtaking = tokio::spawn(async move {
        let Begin::Fresh(unit) = other.begin(None).await.unwrap() else { panic!("fresh") };
        let read = unit.stores().contacts_to_change(&[before.id]).await.unwrap();
        unit.commit(StoredAnswer(String::new())).await.unwrap();
        read
    });
    read[0].opted_out.insert(Channel::Zalo);
    unit.stores().upsert_contacts(&read, morning() + seconds(1)).await.unwrap();
    assert!(!overtaking.is_finished());
    unit.commit(StoredAnswer(String::new())).await.unwrap();
    assert!(overtaking.await.unwrap()[0].opted_out.contains(&Channel::Zalo), "it waited for the opt-out");
}

#[tokio::test]
async fn contacts_are_searched_by_name_and_number_within_the_scope() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let mut other = contact("l3", "Trần Thị Bình", "0901111111");
    (other.owner_id, other.branch_id) = (Some(owner("u2")), Some(BranchId::parse("b2").unwrap()));
    let all = [contact("l1", "Lê Văn Đức", "0902222222"), contact("l2", "Bình 100%", "0903333333"), other];
    store.upsert_contacts(&all, morning()).await.unwrap();
    let search = async |scope: Scope, text: &str, limit| {
        let found = store.search_contacts(&scope, text, limit).await.unwrap();
        found.iter().map(|one| one.id.key()).collect::<Vec<_>>()
    };
    let everything = Scope::everything;
    assert_eq!(search(everything(), "đức", 10).await, ["lead:l1"]);
    assert_eq!(search(everything(), "le van duc", 10).await, ["lead:l1"], "without the marks");
    assert_eq!(search(everything(), "BÌNH", 10).await, ["lead:l2", "lead:l3"], "by name");
    assert_eq!(search(everything(), "0%", 10).await, ["lead:l2"]);
    assert_eq!(search(everything(), "+8490", 2).await.len(), 2);
    let own = Scope { owner: Some(owner("u2")), branch: None };
    assert_eq!(search(own, "b", 10).await, ["lead:l3"]);
    let here = Scope { owner: None, branch: Some(BranchId::parse("b1").unwrap()) };
    assert_eq!(search(here, "bình", 10).await, ["lead:l2"]);
}

#[tokio::test]
async fn the_three_default_templates_are_there_and_can_be_rendered() {
    let fixture = fixture().await;
    let all = fixture.store.templates().await.unwrap();
    let shape: Vec<_> = all
        .iter()
        .map(|one| {
            (one.key.as_str(), one.channel, one.title.as_str(), one.body.variables().join(" "), one.is_active)
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("remind_paid50", Channel::Sms, "Nhắc đóng tối thiểu 50%", "name ownerName".to_owned(), true),
            ("remind_remaining", Channel::Zalo, "Nhắc học phí còn lại", "name remaining".to_owned(), true),
            ("remind_schedule", Channel::Facebook, "Nhắc lịch học", "name scheduleAt".to_owned(), true),
        ]
    );
}

#[tokio::test]
async fn a_template_is_stored_replaced_and_removed() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let template = |title: &str| Template {
        key: TemplateKey::parse("mine").unwrap(),
        title: title.to_owned(),
        channel: Channel::Zalo,
        body: TemplateBody::parse("Chào {{ name }}").unwrap(),
        is_active: false,
        updated_at: morning(),
    };
    assert!(!store.update_template(&template("a")).await.unwrap());
    assert!(store.insert_template(&template("a")).await.unwrap());
    assert!(!store.insert_template(&template("b")).await.unwrap(), "the key is taken");
    let key = template("a").key;
    assert_eq!(store.template(&key).await.unwrap().unwrap().title, "a");
    assert!(store.update_template(&template("c")).await.unwrap());
    let found = store.template(&key).await.unwrap().unwrap();
    assert_eq!((found.title.as_str(), found.body.source(), found.is_active), ("c", "Chào {{ name }}", false));
    assert!(store.delete_template(&key).await.unwrap());
    assert!(!store.delete_template(&key).await.unwrap());
    assert!(store.template(&key).await.unwrap().is_none());
}
