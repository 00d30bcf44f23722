//! The lease in SQL takes what the domain's rule takes, over random queues.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::{BranchId, OwnerId};
use domain::message::{Event, Message, Priority, State, Waiting};
use domain::policy::lease_order::{Budgets, Candidate, pick};
use domain::policy::rate_limit::{RateLimit, RateWindow};
use domain::ports::{LeaseRequest, MessageStore};

use crate::build::{
    Dice, Fixture, fixture, happen, insert, lease_id, lease_request, limits, message, message_id, morning,
    number, numbers, owner, seconds, with,
};

const OWNERS: u64 = 40;

/// One of a random queue: owners (a third of all belongs to one of them, some to nobody), branches, channels,
/// priorities, due and not due.
fn random(dice: &mut Dice, n: u128) -> Message {
    let owner_id = match dice.roll(12) {
        0 => None,
        1..=4 => Some(owner("greedy")),
        _ => Some(owner(&format!("o{}", dice.roll(OWNERS)))),
    };
    let branch = BranchId::parse(format!("b{}", dice.roll(3))).unwrap();
    let mut one = with(message(n), |content| {
        content.owner_id = owner_id;
        content.branch_id = Some(branch);
        content.channel = *dice.pick(Channel::ALL);
    });
    one.priority = *dice.pick(Priority::ALL);
    // Many share a second, and a fourth is not due yet.
    let due_at = morning() - seconds(90) + seconds(i64::try_from(dice.roll(120)).unwrap());
    one.state = State::Queued(Waiting { due_at, error: None });
    one
}

/// What has been leased, as the domain counts it.
#[derive(Default)]
struct Books {
    global: RateWindow,
    owners: HashMap<OwnerId, RateWindow>,
}

impl Books {
    /// Time does not go back from one limited lease to the next.
    fn now(&self, request: &LeaseRequest) -> DateTime<Utc> {
        let newest = self.global.slots().last().and_then(|(second, _)| DateTime::from_timestamp(*second, 0));
        newest.map_or(request.now, |newest| newest.max(request.now))
    }

    fn budgets(&self, request: &LeaseRequest) -> Budgets {
        let per_owner = request.limits.per_owner;
        Budgets {
            global: self.global.remaining(request.limits.global, self.now(request)),
            per_owner: per_owner.get().unwrap_or(u32::MAX),
            owners: self
                .owners
                .iter()
                .map(|(id, window)| (id.clone(), window.remaining(per_owner, self.now(request))))
                .collect(),
        }
    }

    fn charge(&mut self, request: &LeaseRequest, leased: &[Message]) {
        let now = self.now(request);
        if is_limited(request) {
            self.global.charge(now, u32::try_from(leased.len()).unwrap());
        }
        if request.limits.per_owner != RateLimit::UNLIMITED {
            for id in leased.iter().filter_map(|one| one.content.owner_id.clone()) {
                self.owners.entry(id).or_default().charge(now, 1);
            }
        }
    }
}

fn candidates(queue: &HashMap<u128, Message>, request: &LeaseRequest) -> Vec<Candidate> {
    queue
        .values()
        .filter(|one| request.channels.iter().any(|open| open.channel == one.content.channel))
        .filter(|one| request.scope.covers(one.content.owner_id.as_ref(), one.content.branch_id.as_ref()))
        .filter(|one| request.only.is_none_or(|only| only == one.id))
        .filter(|one| !request.retry_failed_only || matches!(one.state, State::Failed(_)))
        .filter_map(|one| {
            let due_at = one.state.due_at().filter(|at| *at <= request.now)?;
            let owner = one.content.owner_id.clone();
            Some(Candidate { id: one.id, priority: one.priority, due_at, owner })
        })
        .collect()
}

fn is_limited(request: &LeaseRequest) -> bool {
    request.limits.global != RateLimit::UNLIMITED || request.limits.per_owner != RateLimit::UNLIMITED
}

fn random_request(dice: &mut Dice, run: u128, now: DateTime<Utc>) -> LeaseRequest {
    let limit = *dice.pick(&[1, 7, 20, 50, 200]);
    let mut request = lease_request(run, limit, now);
    request.limits = *dice.pick(&[
        limits(120, 5),
        limits(0, 3),
        limits(300, 0),
        limits(0, 0),
        limits(1_000, 8),
        limits(0, 40),
    ]);
    request.channels.retain(|_| dice.roll(5) != 0);
    request.dry_run = dice.roll(6) == 0;
    request.scope = match dice.roll(8) {
        0 => Scope { owner: Some(owner("greedy")), branch: None },
        1 => Scope { owner: Some(owner("o3")), branch: Some(BranchId::parse("b1").unwrap()) },
        2 => Scope { owner: None, branch: Some(BranchId::parse("b2").unwrap()) },
        _ => Scope::everything(),
    };
    request.retry_failed_only = dice.roll(8) == 0;
    // Somebody wants one of them to go now.
    request.only = (dice.roll(4) == 0).then(|| message_id(1 + u128::from(dice.roll(10_000))));
    request
}

async fn random_queue(fixture: &Fixture, dice: &mut Dice, size: u128) -> HashMap<u128, Message> {
    let stored = insert(&fixture.store, (1..=size).map(|n| random(dice, n))).await;
    let mut queue: HashMap<u128, Message> = stored.into_iter().map(|one| (number(one.id), one)).collect();
    // Some have failed once and wait for their retry.
    let failing = lease_request(9_999_999, 200, morning() + seconds(60));
    for one in fixture.store.lease_due(&failing).await.unwrap().messages {
        let refused = Event::Refused { lease: failing.lease, error: "no".to_owned() };
        let failed = happen(&fixture.store, &one, refused, morning() - seconds(600)).await;
        queue.insert(number(failed.id), failed);
    }
    queue
}

/// How often the runs met what they are for.
#[derive(Default)]
struct Tried {
    leased: usize,
    cut_by_limits: u32,
    named: usize,
}

/// Leases over and over, each time what the domain would take.
async fn compare(
    fixture: &Fixture,
    mut queue: HashMap<u128, Message>,
    runs: u128,
    mut request: impl FnMut(u128) -> LeaseRequest,
) -> Tried {
    let (mut books, mut tried) = (Books::default(), Tried::default());
    for run in 1..=runs {
        let request = request(run);
        let expected = pick(candidates(&queue, &request), request.limit, &books.budgets(&request));
        let answer = fixture.store.lease_due(&request).await.unwrap();
        let got: Vec<_> = answer.messages.iter().map(|one| one.id).collect();
        assert_eq!(got, expected, "run {run}: {request:?}");
        tried.cut_by_limits += u32::from(answer.rate_limited > 0);
        if request.only.is_some() && is_limited(&request) {
            let due = candidates(&queue, &request).len();
            assert_eq!(answer.rate_limited as usize, due - expected.len(), "run {run}: {request:?}");
            tried.named += expected.len();
        }
        if !request.dry_run {
            tried.leased += got.len();
            books.charge(&request, &answer.messages);
            for n in numbers(&answer.messages) {
                queue.remove(&n);
            }
        }
    }
    tried
}

#[tokio::test]
async fn the_lease_takes_what_the_domain_would_take() {
    let fixture = fixture().await;
    let dice = &mut Dice(0x5eed_0001);
    let queue = random_queue(&fixture, dice, 10_000).await;
    let mut now = morning();
    let Tried { leased, cut_by_limits, named } = compare(&fixture, queue, 150, |run| {
        // Mostly forward, sometimes back: another process's clock.
        now = now + seconds(i64::try_from(dice.roll(8)).unwrap()) - seconds(1);
        random_request(dice, run, now)
    })
    .await;
    assert!(
        leased > 1_200 && cut_by_limits > 30 && named > 5,
        "the runs tried something: {leased} leased, {cut_by_limits} cut, {named} by their ids"
    );
}

/// Where owners at their limit fill the front, the first lease of a second finds out where the others begin, and the
/// next ones use it: for other channels and limits only what holds for these too.
#[tokio::test]
async fn behind_owners_at_their_limit_the_lease_takes_what_the_domain_would_take() {
    let fixture = fixture().await;
    let dice = &mut Dice(0x5eed_0002);
    let in_front = (10_001..=13_000_u128).map(|n| {
        let mut one = with(message(n), |content| {
            content.owner_id = Some(owner(if n % 2 == 0 { "greedy" } else { "grasping" }));
            content.channel = *dice.pick(Channel::ALL);
        });
        one.priority = *dice.pick(&[Priority::High, Priority::High, Priority::High, Priority::Medium]);
        one.state = State::Queued(Waiting { due_at: morning() - seconds(3_600), error: None });
        one
    });
    let in_front = in_front.collect::<Vec<_>>();
    let mut queue = random_queue(&fixture, dice, 6_000).await;
    queue.extend(insert(&fixture.store, in_front).await.into_iter().map(|one| (number(one.id), one)));
    let walked = fixture.database.connect().await;
    let mut now = morning();
    let tried = compare(&fixture, queue, 120, |run| {
        // Mostly the same second; now and then all may have more again.
        now += seconds(if run % 40 == 0 { 61 } else { i64::from(dice.roll(5) == 0) });
        let mut request = lease_request(run, *dice.pick(&[1, 7, 20, 30]), now);
        request.limits = *dice.pick(&[limits(0, 30), limits(0, 40), limits(0, 50), limits(3_000, 40)]);
        request.channels.retain(|_| dice.roll(8) != 0);
        request.dry_run = dice.roll(6) == 0;
        request
    })
    .await;
    assert!(tried.leased > 1_000, "the runs tried something: {} leased", tried.leased);
    let known: i64 = walked.query_one("select count(*) from outbound_front", &[]).await.unwrap().get(0);
    assert_eq!(known, 1, "where the others begin was found out");
}

/// Whatever second the servers' clocks say it is: one that is ahead makes its own the newest for all.
#[tokio::test]
async fn what_is_given_back_behind_owners_at_their_limit_is_passed_over_for_a_second_at_most() {
    let fixture = fixture().await;
    let of = |n: u128, id: String| {
        let mut one = with(message(n), |content| content.owner_id = Some(owner(&id)));
        one.state = State::Queued(Waiting { due_at: morning() - seconds(60), error: None });
        one
    };
    let greedy = (1..=1_000).map(|n| of(n, "greedy".to_owned()));
    let others = (1_001..=1_400).map(|n| of(n, format!("o{}", n % 200)));
    insert(&fixture.store, greedy.chain(others).collect::<Vec<_>>()).await;
    let run = async |run: u128| {
        let request = LeaseRequest { limits: limits(0, 5), ..lease_request(run, 20, morning()) };
        fixture.store.lease_due(&request).await.unwrap().messages
    };

    let first = run(1).await;
    assert_eq!(numbers(&run(2).await), (1_016..=1_035).collect::<Vec<_>>(), "behind the greedy one");
    let back = first.iter().find(|one| number(one.id) == 1_001).unwrap();
    let lease = lease_id(1);
    happen(&fixture.store, back, Event::Released { lease, reason: "limit".to_owned() }, morning()).await;
    assert_eq!(
        numbers(&run(3).await),
        (1_036..=1_055).collect::<Vec<_>>(),
        "from where it was found to begin"
    );

    let later = "update outbound_front set found_at = found_at - interval '1001 ms'";
    fixture.database.connect().await.batch_execute(later).await.unwrap();
    assert_eq!(number(run(4).await.first().unwrap().id), 1_001);
}

#[tokio::test]
async fn a_run_says_how_many_the_limits_held_back() {
    let fixture = fixture().await;
    let queue = (1..=60).map(|n| with(message(n), |content| content.owner_id = Some(owner("busy"))));
    let others = (61..=70).map(|n| with(message(n), |content| content.owner_id = Some(owner("quiet"))));
    insert(&fixture.store, queue.chain(others)).await;

    let mut request = lease_request(1, 50, morning());
    request.limits = limits(0, 30);
    request.dry_run = true;
    let dry = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((dry.messages.len(), dry.rate_limited), (40, 30), "30 of the busy owner, 10 of the quiet one");

    request.limit = 35;
    let full = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((full.messages.len(), full.rate_limited), (35, 30), "passed over on the way to the last one");

    request.limit = 20;
    let first = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((first.messages.len(), first.rate_limited), (20, 0), "nothing was passed over");

    request.limits = limits(5, 0);
    let little = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((little.messages.len(), little.rate_limited), (5, 65));
}
