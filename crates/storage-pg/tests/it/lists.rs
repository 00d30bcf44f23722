//! Lists, pages, searches and scopes (lessons 16 and 20).

use domain::access::Scope;
use domain::actor::Actor;
use domain::channel::Channel;
use domain::ids::{BranchId, JobId, LeadId, StudentId};
use domain::message::{Event, FailureKind, Priority, Status, Text};
use domain::ports::{Filter, ListRequest, MessageReader, Page};
use storage_pg::PgStore;
use uuid::Uuid;

use crate::build::{
    fixture, happen, insert, lease, lease_id, load_one, message, message_id, morning, numbers, owned, owner,
    seconds, with,
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
    assert_eq!(found(store, "a_k").await, [3]);
    assert_eq!(found(store, ":\\t").await, [5]);
    assert_eq!(found(store, "đóng học").await, [6]);
    assert_eq!(found(store, "GIẢM").await, [2, 1]);
    assert_eq!(found(store, "gia\u{309}m").await, [2, 1], "however the letters are composed");
    assert_eq!(found(store, "%").await, [1]);
    assert_eq!(found(store, "_").await, [6, 5, 4, 3, 2, 1], "all have it in their template's key");
    assert_eq!(found(store, "901234567").await.len(), 6, "the recipient");
    assert_eq!(found(store, "567remind").await.len(), 0, "no match spans two fields");
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
            let visible = expected.contains(&id.uuid().as_u128());
            assert_eq!(store.detail(*id, &scope).await.unwrap().is_some(), visible);
        }
    }
}

#[tokio::test]
async fn pages_and_cursors_reach_the_end() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=10_050).map(message)).await;
    let page = async |page| {
        let request =
            ListRequest { scope: Scope::everything(), filter: Filter::default(), page, page_size: 100 };
        fixture.store.list(&request).await.unwrap()
    };
    let first = page(Page::Number(1)).await;
    assert_eq!(numbers(&first.items), (9_951..=10_050).rev().collect::<Vec<_>>());
    assert!(first.total.is_estimate && first.total.count > 10_000, "{:?}", first.total);
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
