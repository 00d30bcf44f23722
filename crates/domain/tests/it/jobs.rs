//! Jobs and their states.

use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::{JobId, RunId};
use domain::job::{Job, JobStatus, JobUpdate};
use domain::ports::JobStore;
use domain::usecase::jobs::{UpdateJobError, update_job};
use uuid::Uuid;

use crate::build::{World, morning};

fn world() -> (World, JobId) {
    let world = World::new();
    let id = JobId::new(Uuid::from_u128(1));
    let job = Job {
        id,
        title: "Nhắc học phí".to_owned(),
        status: JobStatus::New,
        action_key: None,
        suggestion_id: None,
        task_id: None,
        run_id: None,
        last_error: None,
        note: None,
        owner_id: None,
        branch_id: None,
        created_by: Actor::Service,
        dispatched_at: None,
        done_at: None,
        created_at: morning(),
        updated_at: morning(),
    };
    pollster::block_on(world.store.insert_job(&job)).unwrap();
    (world, id)
}

fn say(world: &World, id: JobId, status: JobStatus) -> Result<JobStatus, UpdateJobError> {
    let update =
        JobUpdate { status, run_id: Some(RunId::parse("r1").unwrap()), last_error: Some("x".to_owned()) };
    pollster::block_on(update_job(&world.deps(), id, &update, Actor::N8n)).map(|view| view.job.status)
}

#[test]
fn a_job_goes_from_new_over_dispatched_to_done_and_never_back() {
    let (world, id) = world();
    assert!(matches!(say(&world, id, JobStatus::Done), Err(UpdateJobError::Illegal(_))));
    for status in [JobStatus::Dispatched, JobStatus::Dispatched, JobStatus::Done, JobStatus::Done] {
        assert_eq!(say(&world, id, status).unwrap(), status);
    }
    for back in [JobStatus::New, JobStatus::Dispatched, JobStatus::Failed] {
        assert!(matches!(say(&world, id, back), Err(UpdateJobError::Illegal(_))));
    }
    let history = pollster::block_on(world.store.job_history(id)).unwrap();
    assert_eq!(history.len(), 3, "created, dispatched, done: repeats leave no line");
}

#[test]
fn a_failed_job_may_be_taken_up_again_and_its_error_is_cleared() {
    let (world, id) = world();
    say(&world, id, JobStatus::Dispatched).unwrap();
    say(&world, id, JobStatus::Failed).unwrap();
    let view = pollster::block_on(world.store.job(id, &Scope::everything())).unwrap().unwrap();
    assert_eq!(view.job.last_error.as_deref(), Some("x"));
    say(&world, id, JobStatus::Dispatched).unwrap();
    let view = pollster::block_on(world.store.job(id, &Scope::everything())).unwrap().unwrap();
    assert_eq!(view.job.last_error, None);
}
