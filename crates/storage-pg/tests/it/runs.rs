//! Runs and the shared circuit.

use domain::access::Scope;
use domain::actor::Actor;
use domain::policy::circuit::Circuit;
use domain::ports::{LeaseReader, MessageReader, RunRecord, RunStore};

use crate::build::{
    fixture, insert, lease, lease_id, lease_request, message, message_id, morning, owner, seconds,
};

#[tokio::test]
async fn a_run_is_kept_when_it_leases_and_completed_at_its_end() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=3).map(message)).await;
    let mut request = lease_request(1, 2, morning());
    (request.by, request.ignored_quiet_hours) = (Actor::User(owner("u1")), true);
    domain::ports::MessageStore::lease_due(store, &request).await.unwrap();
    lease(store, 2, 5, morning() + seconds(1)).await;
    lease(store, 3, 5, morning() + seconds(2)).await;

    let runs = store.runs(10).await.unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run.lease, run.leased, run.ended_at)).collect();
    assert_eq!(
        seen,
        [(lease_id(2), 1, None), (lease_id(1), 2, None)],
        "newest first; the third leased nothing"
    );
    let done = RunRecord {
        ended_at: Some(morning() + seconds(9)),
        handed_off: 1,
        failed: 1,
        released: 3,
        rate_limited: 4,
        ..runs[1].clone()
    };
    store.end_run(&done).await.unwrap();
    assert_eq!(store.runs(10).await.unwrap()[1], done);
    assert_eq!(store.runs(1).await.unwrap().len(), 1);

    let holder = store.holder(lease_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (holder.by, holder.ignored_quiet_hours, holder.pulled),
        (Actor::User(owner("u1")), true, false)
    );
    assert_eq!(store.holder(lease_id(9)).await.unwrap(), None);
    let detail = store.detail(message_id(1), &Scope::everything()).await.unwrap().unwrap();
    assert!(detail.holders.contains_key(&lease_id(1)));
}

#[tokio::test]
async fn the_circuit_is_shared_and_only_its_reader_may_change_it() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let first = store.circuit().await.unwrap();
    assert_eq!(first.circuit, Circuit::default());
    let until = morning() + seconds(30);
    let mut shared = first.clone();
    for circuit in [
        Circuit::Closed { failures: 4 },
        Circuit::Open { until, failures: 5 },
        Circuit::HalfOpen { probe_until: until, failures: u32::MAX },
    ] {
        shared.circuit = circuit;
        assert!(store.save_circuit(&shared).await.unwrap());
        shared = store.circuit().await.unwrap();
        assert_eq!(shared.circuit, circuit);
    }
    assert!(!store.save_circuit(&first).await.unwrap(), "changed since it was read");
    assert_eq!(store.circuit().await.unwrap(), shared);
}
