//! Lists, pages, searches and scopes (lessons 16 and 20).

use domain::access::Scope;
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{BranchId, JobId, LeadId, StudentId, TemplateKey};
use domain::message::{Event, FailureKind, Priority, Status, Text};
use domain::ports::{Filter, ListRequest, MessageReader, Page, Template, TemplateStore};
use domain::template::TemplateBody;
use storage_pg::PgStore;
use uuid::Uuid;

use crate::build::{
    Dice, fixture, happen, insert, lease, lease_id, load_one, message, message_id, morning, number, numbers,
    owned, owner, seconds, with,
};

async fn list(store: &PgStore, scope: Scope, filter: Filter) -> Vec<u128> {
    let request = ListRequest { scope, filter, page: Page::Number(1), page_size: 100 };
    numbers(&store.list(&request).await.unwrap().items)
}

async fn found(store: &PgStore, text: &str) -> Vec<u128> {
    list(store, Scope::everything(), Filter { text: Some(text.to_owned()), ..Filter::default() }).await
}

#[tokio::test]
async fn a_search_takes_every_character_literally_and_no_letter_case() {
    let fixture = fixture().await;
    let texts = ["giảm 50% học phí", "giảm 500 học phí", "ma_khach", "maXkhach", "C:\\tệp", "ĐÓNG HỌC PHÍ"];
    insert(
        &fixture.store,
        texts
            .iter()
            .zip(1..)
            .map(|(text, n)| with(message(n), |content| content.text = Text((*text).to_owned()))),
    )
    .await;
    let store = &fixture.store;
    assert_eq!(found(store, "50%").await, [1]);
    assert_eq!(found(store, "50").await, [2, 1]);
    assert_eq!(found(store, "ma_k").await, [3]);
    assert_eq!(found(store, ":\\t").await, [5]);
    assert_eq!(found(store, "c:\\te").await, [5]);
    assert_eq!(found(store, "đóng học").await, [6]);
    assert_eq!(found(store, "GIẢM").await, [2, 1]);
    assert_eq!(found(store, "gia\u{309}m").await, [2, 1], "however the letters are composed");
    assert_eq!(found(store, "%").await, [1]);
    assert_eq!(found(store, "_").await, [6, 5, 4, 3, 2, 1], "all have it in their template's key");
    assert_eq!(found(store, "901234567").await.len(), 6, "the recipient");
    assert_eq!(found(store, "567remind").await.len(), 0, "no match spans two fields");
    assert_eq!(found(store, "học 4567 giam").await, [2, 1], "words in any order, and a part of the number");
}

#[tokio::test]
async fn each_filter_narrows_the_list() {
    let fixture = fixture().await;
    let job = JobId::new(Uuid::from_u128(5));
    let branch = BranchId::parse("b1").unwrap();
    let student = StudentId::parse("s1").unwrap();
    insert(
        &fixture.store,
        [
            owned(1, "u1"),
            with(owned(2, "u2"), |content| content.branch_id = Some(branch.clone())),
            with(message(3), |content| content.channel = Channel::Sms),
            with(message(4), |content| content.job_id = Some(job)),
            with(message(5), |content| content.student_id = Some(student.clone())),
        ],
    )
    .await;
    let mut late = message(6);
    (late.created_at, late.priority) = (morning() + seconds(60), Priority::Low);
    insert(&fixture.store, [late]).await;
    let all = Filter::default;
    let store = &fixture.store;
    for (filter, expected) in [
        (all(), vec![6, 5, 4, 3, 2, 1]),
        (Filter { owner_id: Some(owner("u1")), ..all() }, vec![1]),
        (Filter { branch_id: Some(branch.clone()), ..all() }, vec![2]),
        (Filter { channel: Some(Channel::Sms), ..all() }, vec![3]),
        (Filter { job_id: Some(job), ..all() }, vec![4]),
        (Filter { student_id: Some(student), ..all() }, vec![5]),
        (Filter { lead_id: Some(LeadId::parse("lead-5").unwrap()), ..all() }, vec![5]),
        (Filter { priority: Some(Priority::Low), ..all() }, vec![6]),
        (Filter { created_from: Some(morning() + seconds(1)), ..all() }, vec![6]),
        (Filter { created_before: Some(morning() + seconds(1)), ..all() }, vec![5, 4, 3, 2, 1]),
        (Filter { status: Some(Status::Queued), owner_id: Some(owner("u2")), ..all() }, vec![2]),
        (Filter { status: Some(Status::Leased), ..all() }, vec![]),
    ] {
        assert_eq!(list(store, Scope::everything(), filter.clone()).await, expected, "{filter:?}");
        let matching = store.matching(&Scope::everything(), &filter, None, 100).await.unwrap();
        let mut ids: Vec<_> = expected.iter().map(|n| message_id(*n)).collect();
        ids.reverse();
        assert_eq!(matching, ids, "the same, oldest first: {filter:?}");
    }
    let rest = store.matching(&Scope::everything(), &all(), Some(message_id(3)), 2).await.unwrap();
    assert_eq!(rest, [message_id(4), message_id(5)]);
}

#[tokio::test]
async fn statuses_and_kinds_of_failure_are_found_where_they_stand() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=4).map(message)).await;
    let leased = lease(store, 1, 3, morning()).await.messages;
    happen(store, &leased[0], Event::Accepted { lease: lease_id(1) }, morning()).await;
    happen(store, &leased[1], Event::Refused { lease: lease_id(1), error: "no".to_owned() }, morning()).await;
    let with_status = async |status| {
        list(store, Scope::everything(), Filter { status: Some(status), ..Filter::default() }).await
    };
    assert_eq!(with_status(Status::Dispatched).await, [1]);
    assert_eq!(with_status(Status::Failed).await, [2]);
    assert_eq!(with_status(Status::Leased).await, [3]);
    assert_eq!(with_status(Status::Queued).await, [4]);
    let kind = async |kind| {
        list(store, Scope::everything(), Filter { failure_kind: Some(kind), ..Filter::default() }).await
    };
    assert_eq!(kind(FailureKind::Retry).await, [2]);
    assert_eq!(kind(FailureKind::Held).await, [] as [u128; 0]);
    let four = load_one(store, message_id(4)).await;
    happen(store, &four, Event::Cancel { by: Actor::System }, morning()).await;
    assert_eq!(with_status(Status::Cancelled).await, [4]);
}

#[tokio::test]
async fn nobody_sees_beyond_the_own_scope() {
    let fixture = fixture().await;
    let branch = BranchId::parse("b1").unwrap();
    let in_branch = |n, name| with(owned(n, name), |content| content.branch_id = Some(branch.clone()));
    insert(&fixture.store, [owned(1, "u1"), in_branch(2, "u1"), in_branch(3, "u2"), message(4)]).await;
    let store = &fixture.store;
    let own = Scope { owner: Some(owner("u1")), branch: None };
    let own_here = Scope { owner: Some(owner("u1")), branch: Some(branch.clone()) };
    let here = Scope { owner: None, branch: Some(branch.clone()) };
    let ids: Vec<_> = (1..=4).map(message_id).collect();
    for (scope, expected) in
        [(own, vec![2, 1]), (own_here, vec![2]), (here, vec![3, 2]), (Scope::everything(), vec![4, 3, 2, 1])]
    {
        assert_eq!(list(store, scope.clone(), Filter::default()).await, expected);
        let others = Filter { owner_id: Some(owner("u2")), ..Filter::default() };
        let seen = list(store, scope.clone(), others).await;
        assert_eq!(
            seen,
            expected.iter().copied().filter(|n| *n == 3).collect::<Vec<_>>(),
            "a filter widens nothing"
        );
        assert_eq!(store.within(&scope, &ids).await.unwrap().len(), expected.len());
        assert_eq!(store.count_due(morning(), &scope, 10).await.unwrap() as usize, expected.len());
        for id in &ids {
            let visible = expected.contains(&number(*id));
            assert_eq!(store.detail(*id, &scope).await.unwrap().is_some(), visible);
        }
    }
}

#[tokio::test]
async fn pages_and_cursors_reach_the_end() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=10_050).map(message)).await;
    fixture.database.connect().await.batch_execute("analyze").await.unwrap();
    let page = async |page| {
        let request =
            ListRequest { scope: Scope::everything(), filter: Filter::default(), page, page_size: 100 };
        fixture.store.list(&request).await.unwrap()
    };
    let first = page(Page::Number(1)).await;
    assert_eq!(numbers(&first.items), (9_951..=10_050).rev().collect::<Vec<_>>());
    assert!(first.total.is_estimate && first.total.count > 9_000, "{:?}", first.total);
    let last = page(Page::Number(101)).await;
    assert_eq!(
        (numbers(&last.items), last.next),
        ((1..=50).rev().collect::<Vec<_>>(), None),
        "beyond 10,000"
    );
    assert!(page(Page::Number(102)).await.items.is_empty());

    let (mut seen, mut next) = (first.items.len(), first.next);
    while let Some(after) = next {
        let part = page(Page::After(after)).await;
        assert!(part.items.iter().all(|one| one.id < after));
        seen += part.items.len();
        next = part.next;
    }
    assert_eq!(seen, 10_050);
}

/// Random contents, and random searches: the database finds what the domain says.
#[tokio::test]
async fn a_search_finds_in_the_database_what_the_domain_says() {
    const WORDS: [&str; 16] = [
        "Nguyễn",
        "nguyên",
        "Văn",
        "An",
        "học",
        "phí",
        "50%",
        "1.500.000đ",
        "lop_hoc",
        "C:\\tep",
        "a'b",
        "0901",
        "90",
        "đóng",
        "(x)",
        "%",
    ];
    let fixture = fixture().await;
    let store = &fixture.store;
    let mut dice = Dice(7);
    let template = Template {
        key: TemplateKey::parse("nhắc học phí").unwrap(),
        title: "x".to_owned(),
        channel: Channel::Sms,
        body: TemplateBody::parse("Chào {{ a }}, đóng học-phí 50% {{ b }}đ nhé!").unwrap(),
        is_active: true,
        updated_at: morning(),
    };
    assert!(store.insert_template(&template).await.unwrap());
    let text = |dice: &mut Dice, most: u64| {
        (0..=dice.roll(most)).map(|_| *dice.pick(&WORDS)).collect::<Vec<_>>().join(" ")
    };
    let all: Vec<_> = (1..=300)
        .map(|n| {
            with(message(n), |content| {
                let number = format!("+8490{:07}", dice.roll(10_000_000));
                content.to = Some(Address::parse(Channel::Zalo, &number).unwrap());
                content.full_name = (dice.roll(2) == 0).then(|| text(&mut dice, 2));
                match dice.roll(3) {
                    0 => {
                        content.template_key = Some(template.key.clone());
                        let (a, b) = (text(&mut dice, 2), text(&mut dice, 1));
                        let value = |name: &str| Some(if name == "a" { a.clone() } else { b.clone() });
                        content.text = Text(template.body.render(value).unwrap());
                    }
                    // Of a template that is no more.
                    1 => {
                        content.template_key = Some(TemplateKey::parse("once_there").unwrap());
                        content.text = Text(text(&mut dice, 6));
                    }
                    _ => (content.template_key, content.text) = (None, Text(text(&mut dice, 4))),
                }
            })
        })
        .collect();
    insert(store, all.clone()).await;
    for round in 0..200 {
        let q = match dice.roll(3) {
            0 => {
                let number = all[usize::try_from(dice.roll(300)).unwrap()].content.to.clone().unwrap();
                let start = usize::try_from(dice.roll(8)).unwrap();
                number.as_str().chars().skip(start).take(usize::try_from(3 + dice.roll(9)).unwrap()).collect()
            }
            1 => format!("{} {}", text(&mut dice, 1), dice.roll(1_000)),
            _ => text(&mut dice, 2),
        };
        let q = if dice.roll(2) == 0 { q.to_lowercase() } else { q };
        let query = domain::search::Query::parse(&q);
        let expected: Vec<u128> = all
            .iter()
            .rev()
            .filter(|one| query.finds(&one.content))
            .map(|one| number(one.id))
            .take(100)
            .collect();
        assert_eq!(found(store, &q).await, expected, "{round}: {q}");
        let filter = Filter { text: Some(q.clone()), ..Filter::default() };
        let matching = store.matching(&Scope::everything(), &filter, None, 1_000).await.unwrap();
        let mut oldest: Vec<u128> = matching.into_iter().rev().map(number).take(100).collect();
        oldest.truncate(expected.len());
        assert_eq!(oldest, expected, "by the index, {round}: {q}");
    }
}

#[tokio::test]
async fn a_search_in_a_long_list_finds_what_is_rare_and_what_is_not() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let all = (1..=5_000).map(|n| {
        with(message(n), |content| {
            let word = match n {
                7 | 4_800 => "hiếm",
                _ if n % 5 == 0 => "thường",
                _ => "khác",
            };
            content.text = Text(format!("{word} {n}"));
        })
    });
    insert(store, all).await;
    fixture.database.connect().await.batch_execute("analyze").await.unwrap();
    let page = async |text: &str, page| {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        let request = ListRequest { scope: Scope::everything(), filter, page, page_size: 20 };
        store.list(&request).await.unwrap()
    };
    let rare = page("hiem", Page::Number(1)).await;
    assert_eq!((numbers(&rare.items), rare.total.count, rare.next), (vec![4_800, 7], 2, None));
    let frequent = page("thuong", Page::Number(1)).await;
    assert_eq!(numbers(&frequent.items), (0..20).map(|n| 5_000 - n * 5).collect::<Vec<_>>());
    assert_eq!((frequent.total.count, frequent.total.is_estimate), (999, false));
    let deep = page("thuong", Page::Number(45)).await;
    assert_eq!(numbers(&deep.items).len(), 20, "beyond the newest rows");
    let mut seen = frequent.items.len();
    let mut next = frequent.next;
    while let Some(after) = next {
        let part = page("thuong", Page::After(after)).await;
        seen += part.items.len();
        next = part.next;
    }
    assert_eq!(seen, 999);
    let plan: String = {
        let client = fixture.database.connect().await;
        client.batch_execute("set enable_seqscan = off").await.unwrap();
        let explain = "explain select id from outbound_message where terms @@ '''hiem'':*'::tsquery";
        client.query(explain, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)).collect()
    };
    assert!(plan.contains("outbound_message_terms"), "{plan}");
}

#[tokio::test]
async fn a_word_that_a_template_had_once_still_finds_its_messages() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let mut template =
        store.template(&TemplateKey::parse("remind_remaining").unwrap()).await.unwrap().unwrap();
    let with_text = |n, template: &Template| {
        with(message(n), |content| content.text = Text(template.body.render(|_| Some("An")).unwrap()))
    };
    template.body = TemplateBody::parse("Chào {{ name }}, nhớ sáchvở").unwrap();
    assert!(store.update_template(&template).await.unwrap());
    insert(store, [with_text(1, &template)]).await;
    template.body = TemplateBody::parse("Chào {{ name }}, nhớ bútmực").unwrap();
    assert!(store.update_template(&template).await.unwrap());
    insert(store, [with_text(2, &template)]).await;
    assert_eq!((found(store, "butmuc").await, found(store, "sachvo").await), (vec![2, 1], vec![2, 1]));
}
