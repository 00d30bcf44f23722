//! Jobs and their messages.

use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::{ActionKey, BranchId, JobId, RunId, SuggestionId, TaskId};
use domain::job::{Job, JobEntry, JobStatus, JobUpdate};
use domain::message::Status;
use domain::ports::{JobFilter, JobStore};
use uuid::Uuid;

use crate::build::{fixture, insert, lease, message, morning, owner, seconds, with};

fn job(n: u128, name: &str) -> Job {
    Job {
        id: JobId::new(Uuid::from_u128(n)),
        title: "Nhắc học phí".to_owned(),
        status: JobStatus::New,
        action_key: Some(ActionKey::parse("remind").unwrap()),
        suggestion_id: Some(SuggestionId::parse(format!("sug{n}")).unwrap()),
        task_id: Some(TaskId::parse("t1").unwrap()),
        run_id: None,
        last_error: None,
        note: Some("ghi chú".to_owned()),
        owner_id: Some(owner(name)),
        branch_id: Some(BranchId::parse("b1").unwrap()),
        created_by: Actor::User(owner(name)),
        dispatched_at: None,
        done_at: None,
        created_at: morning(),
        updated_at: morning(),
    }
}

#[tokio::test]
async fn a_job_is_kept_with_its_history_and_changes_only_from_where_it_was_read() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let new = job(1, "u1");
    store.insert_job(&new).await.unwrap();
    assert_eq!(store.job(new.id, &Scope::everything()).await.unwrap().unwrap().job, new);

    let run_id = Some(RunId::parse("r1").unwrap());
    let update = |status, error: Option<&str>| JobUpdate {
        status,
        run_id: run_id.clone(),
        last_error: error.map(str::to_owned),
    };
    let now = morning() + seconds(5);
    let taken = new.apply(&update(JobStatus::Dispatched, None), now).unwrap().unwrap();
    let entry =
        |from, to| JobEntry { at: now, from: Some(from), to, by: Actor::N8n, detail: Some("r1".to_owned()) };
    let step = entry(JobStatus::New, JobStatus::Dispatched);
    assert!(store.save_job(JobStatus::New, &taken, &step).await.unwrap());
    assert!(!store.save_job(JobStatus::New, &taken, &step).await.unwrap(), "it is not NEW any more");
    let failed = taken.apply(&update(JobStatus::Failed, Some("x")), now).unwrap().unwrap();
    let step = entry(JobStatus::Dispatched, JobStatus::Failed);
    assert!(store.save_job(JobStatus::Dispatched, &failed, &step).await.unwrap());
    let again = failed.apply(&update(JobStatus::Dispatched, None), now).unwrap().unwrap();
    let step = entry(JobStatus::Failed, JobStatus::Dispatched);
    assert!(store.save_job(JobStatus::Failed, &again, &step).await.unwrap());

    assert_eq!(
        store.job(new.id, &Scope::everything()).await.unwrap().unwrap().job,
        again,
        "the error is cleared"
    );
    let history = store.job_history(new.id).await.unwrap();
    let steps: Vec<_> = history.iter().map(|one| (one.from, one.to)).collect();
    assert_eq!(
        steps,
        [
            (None, JobStatus::New),
            (Some(JobStatus::New), JobStatus::Dispatched),
            (Some(JobStatus::Dispatched), JobStatus::Failed),
            (Some(JobStatus::Failed), JobStatus::Dispatched)
        ]
    );
    assert_eq!(history[0].by, Actor::User(owner("u1")));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_within_the_scope_with_their_messages_counted() {
    let fixture = fixture().await;
    let store = &fixture.store;
    for n in 1..=5 {
        store.insert_job(&job(n, if n % 2 == 0 { "u2" } else { "u1" })).await.unwrap();
    }
    let in_job = |n| with(message(n), |content| content.job_id = Some(JobId::new(Uuid::from_u128(5))));
    let owned_in_job = with(in_job(3), |content| content.owner_id = Some(owner("u1")));
    insert(store, [in_job(1), in_job(2), owned_in_job]).await;
    lease(store, 1, 1, morning()).await;
    let list = async |scope: Scope, filter: JobFilter, page| {
        let found = store.jobs(&scope, &filter, page, 2).await.unwrap();
        (found.items.iter().map(|one| one.job.id.uuid().as_u128()).collect::<Vec<_>>(), found.total.count)
    };
    let all = JobFilter::default;
    assert_eq!(list(Scope::everything(), all(), 1).await, (vec![5, 4], 5));
    assert_eq!(list(Scope::everything(), all(), 3).await, (vec![1], 5));
    let own = Scope { owner: Some(owner("u2")), branch: None };
    assert_eq!(list(own.clone(), all(), 1).await, (vec![4, 2], 2));
    let suggestion = JobFilter { suggestion_id: Some(SuggestionId::parse("sug3").unwrap()), ..all() };
    assert_eq!(list(Scope::everything(), suggestion.clone(), 1).await, (vec![3], 1));
    assert_eq!(list(own.clone(), suggestion, 1).await, (vec![], 0));
    let done = JobFilter { status: Some(JobStatus::Done), ..all() };
    assert_eq!(list(Scope::everything(), done, 1).await, (vec![], 0));
    let elsewhere = Scope { owner: None, branch: Some(BranchId::parse("b2").unwrap()) };
    assert_eq!(list(elsewhere, all(), 1).await, (vec![], 0));
    assert!(store.job(JobId::new(Uuid::from_u128(1)), &own).await.unwrap().is_none());

    let view = store.job(JobId::new(Uuid::from_u128(5)), &Scope::everything()).await.unwrap().unwrap();
    assert_eq!(
        view.message_counts.into_iter().collect::<Vec<_>>(),
        [(Status::Queued, 2), (Status::Leased, 1)]
    );
    assert_eq!(view.retries_waiting, 0);
    let theirs = Scope { owner: Some(owner("u1")), branch: None };
    let view = store.job(JobId::new(Uuid::from_u128(5)), &theirs).await.unwrap().unwrap();
    assert_eq!(
        view.message_counts.into_iter().collect::<Vec<_>>(),
        [(Status::Queued, 1)],
        "of one's own alone"
    );
}
