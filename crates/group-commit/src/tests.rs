use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::*;

/// What the tests' work does with a number: most are doubled.
const REFUSED: u32 = 13;
const PANICS: u32 = 66;
const UNREACHABLE: u32 = 99;

/// Tells each batch as it begins, and ends it when the test says so.
struct Scripted {
    begun: mpsc::UnboundedSender<Vec<u32>>,
    may_end: Arc<Semaphore>,
}

impl Together for Scripted {
    type Item = u32;
    type Done = u32;

    fn joins(&self, batch: &[u32], next: &u32) -> bool {
        !batch.contains(next)
    }

    async fn run(&self, batch: &[u32]) -> Result<Vec<u32>, StoreError> {
        self.begun.send(batch.to_vec()).unwrap();
        self.may_end.acquire().await.unwrap().forget();
        assert!(!batch.contains(&PANICS), "as the test wants it");
        if batch.contains(&REFUSED) {
            return Err(StoreError::Refused("13".to_owned()));
        }
        if batch.contains(&UNREACHABLE) {
            return Err(StoreError::Unavailable("gone".to_owned()));
        }
        Ok(batch.iter().map(|n| n * 2).collect())
    }
}

struct Bench {
    group: Arc<GroupCommit<Scripted>>,
    begun: mpsc::UnboundedReceiver<Vec<u32>>,
    may_end: Arc<Semaphore>,
}

type Submitted = tokio::task::JoinHandle<Result<(u32, u32), StoreError>>;

impl Bench {
    fn new(count: usize, most: usize) -> Self {
        Self::with(Lanes { count, spare: 0, most, gathers: false })
    }

    fn with(lanes: Lanes) -> Self {
        let (sender, begun) = mpsc::unbounded_channel();
        let may_end = Arc::new(Semaphore::new(0));
        let work = Scripted { begun: sender, may_end: may_end.clone() };
        Self { group: Arc::new(GroupCommit::new(work, lanes, Handle::current())), begun, may_end }
    }

    /// Submits items one after the other; returns when all of them are in the queue or in a lane.
    async fn submit(&self, items: &[u32]) -> Vec<Submitted> {
        let mut submitted = Vec::new();
        for item in items.iter().copied() {
            let group = self.group.clone();
            let (sender, polled) = oneshot::channel();
            submitted.push(tokio::spawn(async move {
                let mut answer = std::pin::pin!(group.submit(item));
                let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
                sender.send(()).unwrap();
                match first {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => answer.await,
                }
            }));
            polled.await.unwrap();
        }
        submitted
    }

    /// The next batch that begins.
    async fn batch(&mut self) -> Vec<u32> {
        self.begun.recv().await.unwrap()
    }

    fn end(&self, batches: usize) {
        self.may_end.add_permits(batches);
    }
}

async fn answers(submitted: Vec<Submitted>) -> Vec<Option<u32>> {
    let mut all = Vec::new();
    for one in submitted {
        all.push(one.await.unwrap().ok().map(|(_, done)| done));
    }
    all
}

#[tokio::test]
async fn a_lone_item_is_done_at_once_and_what_arrives_meanwhile_is_the_next_batch() {
    let mut bench = Bench::new(1, 100);
    let first = bench.submit(&[1]).await;
    assert_eq!(bench.batch().await, [1]);
    let others = bench.submit(&[2, 3, 4]).await;
    bench.end(2);
    assert_eq!(bench.batch().await, [2, 3, 4]);
    assert_eq!(answers(first).await, [Some(2)]);
    assert_eq!(answers(others).await, [Some(4), Some(6), Some(8)]);
}

#[tokio::test]
async fn a_second_lane_works_while_the_first_waits_for_its_commit() {
    let mut bench = Bench::new(2, 100);
    let all = bench.submit(&[1, 2, 3]).await;
    assert_eq!((bench.batch().await, bench.batch().await), (vec![1], vec![2]));
    bench.end(3);
    assert_eq!(bench.batch().await, [3]);
    assert_eq!(answers(all).await, [Some(2), Some(4), Some(6)]);
}

#[tokio::test]
async fn a_batch_that_is_held_up_makes_room_for_others() {
    let mut bench = Bench::with(Lanes { count: 1, spare: 1, most: 100, gathers: false });
    let first = bench.submit(&[1]).await;
    assert_eq!(bench.batch().await, [1]);
    // Nothing ends, and yet the next begins; then the spare lane is held up as well.
    let second = bench.submit(&[2]).await;
    assert_eq!(bench.batch().await, [2]);
    let others = bench.submit(&[3, 4]).await;
    bench.end(3);
    assert_eq!(bench.batch().await, [3, 4]);
    for submitted in [first, second, others] {
        assert!(answers(submitted).await.iter().all(Option::is_some));
    }
    let last = bench.submit(&[5]).await;
    bench.end(1);
    assert_eq!(bench.batch().await, [5], "one is free again");
    assert_eq!(answers(last).await, [Some(10)]);
    let queue = bench.group.shared.queue();
    assert_eq!((queue.held_up, queue.busy <= 1), (0, true));
}

#[tokio::test]
async fn a_batch_has_a_largest_size_and_only_items_that_go_together() {
    let mut bench = Bench::new(1, 3);
    let all = bench.submit(&[1, 2, 3, 4, 5, 6, 6, 7]).await;
    bench.end(5);
    let mut batches = Vec::new();
    while batches.iter().map(Vec::len).sum::<usize>() < 8 {
        batches.push(bench.batch().await);
    }
    assert_eq!(batches, [vec![1], vec![2, 3, 4], vec![5, 6], vec![6, 7]]);
    assert_eq!(answers(all).await.len(), 8);
}

#[tokio::test]
async fn an_item_that_is_refused_does_not_fail_its_neighbours() {
    let mut bench = Bench::new(1, 100);
    let first = bench.submit(&[1]).await;
    let others = bench.submit(&[2, REFUSED, 4]).await;
    bench.end(5);
    assert_eq!(answers(first).await, [Some(2)]);
    assert_eq!(answers(others).await, [Some(4), None, Some(8)]);
    let mut batches = Vec::new();
    for _ in 0..5 {
        batches.push(bench.batch().await);
    }
    assert_eq!(batches, [vec![1], vec![2, REFUSED, 4], vec![2], vec![REFUSED], vec![4]]);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_tried_again() {
    let mut bench = Bench::new(1, 100);
    let first = bench.submit(&[1]).await;
    let others = bench.submit(&[2, UNREACHABLE]).await;
    bench.end(2);
    assert_eq!(answers(first).await, [Some(2)]);
    assert_eq!(answers(others).await, [None, None]);
    assert_eq!((bench.batch().await, bench.batch().await), (vec![1], vec![2, UNREACHABLE]));
    assert!(bench.begun.try_recv().is_err(), "nothing was run a second time");
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nobody_along() {
    let mut bench = Bench::new(1, 100);
    let first = bench.submit(&[1]).await;
    assert_eq!(bench.batch().await, [1]);
    let mut others = bench.submit(&[2, 3]).await;
    first[0].abort();
    let gone = others.remove(0);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    bench.end(2);
    assert_eq!(bench.batch().await, [3], "the first batch went on, and nobody waits for 2");
    assert_eq!(answers(others).await, [Some(6)]);
}

#[tokio::test]
async fn a_batch_that_breaks_fails_alone() {
    let mut bench = Bench::new(1, 100);
    let first = bench.submit(&[PANICS]).await;
    assert_eq!(bench.batch().await, [PANICS]);
    let others = bench.submit(&[2, 3]).await;
    bench.end(2);
    assert_eq!(answers(first).await, [None]);
    assert_eq!(answers(others).await, [Some(4), Some(6)], "another lane went on");
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let (outer, inner) = (
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
    );
    let (begun, mut batches) = mpsc::unbounded_channel();
    let work = Scripted { begun, may_end: Arc::new(Semaphore::new(0)) };
    let lanes = Lanes { count: 1, spare: 0, most: 100, gathers: false };
    let group = Arc::new(GroupCommit::new(work, lanes, inner.handle().clone()));
    outer.block_on(async {
        let calls: Vec<_> = [1, 2]
            .map(|n| {
                let group = group.clone();
                tokio::spawn(async move { group.submit(n).await })
            })
            .into();
        batches.recv().await.unwrap();
        tokio::task::spawn_blocking(|| inner.shutdown_background()).await.unwrap();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
    });
}

/// A moment ago four were at work together, and are answered.
fn four_came(bench: &Bench) {
    let mut queue = bench.group.shared.queue();
    queue.share.taken(4, 0, false);
    queue.share.done(4);
}

#[tokio::test(start_paused = true)]
async fn those_who_came_together_are_waited_for_by_halves() {
    let mut bench = Bench::with(GATHERING);
    four_came(&bench);
    bench.end(1);
    let (before, first) = (tokio::time::Instant::now(), bench.submit(&[5]).await);
    tokio::task::yield_now().await;
    assert!(bench.begun.try_recv().is_err(), "it waits for the other");
    let second = bench.submit(&[6]).await;
    assert_eq!(bench.batch().await, [5, 6]);
    assert_eq!(answers(first).await, [Some(10)]);
    assert_eq!(answers(second).await, [Some(12)]);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_two_milliseconds() {
    let mut bench = Bench::with(GATHERING);
    four_came(&bench);
    bench.end(1);
    let (before, alone) = (tokio::time::Instant::now(), bench.submit(&[5]).await);
    assert_eq!(bench.batch().await, [5]);
    assert_eq!(answers(alone).await, [Some(10)]);
    let waited = before.elapsed();
    assert!(waited > Duration::ZERO && waited <= Duration::from_millis(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lone_item_after_a_while_waits_for_nobody() {
    let bench = Bench::with(GATHERING);
    four_came(&bench);
    bench.end(1);
    tokio::time::advance(Duration::from_millis(20)).await;
    for item in 5..9 {
        let (before, alone) = (tokio::time::Instant::now(), bench.submit(&[item]).await);
        assert_eq!(answers(alone).await, [Some(item * 2)]);
        assert_eq!(before.elapsed(), Duration::ZERO, "one after the other is alone too");
        bench.end(1);
    }
}

#[tokio::test]
async fn what_must_be_done_is_done_though_its_caller_went_away() {
    let (sender, mut begun) = mpsc::unbounded_channel();
    let may_end = Arc::new(Semaphore::new(0));
    let work = Kept(Scripted { begun: sender, may_end: may_end.clone() });
    let lanes = Lanes { count: 1, ..GATHERING };
    let group = Arc::new(GroupCommit::new(work, lanes, Handle::current()));
    let call = |n| {
        let group = group.clone();
        tokio::spawn(async move { group.submit(n).await })
    };
    let first = call(1);
    assert_eq!(begun.recv().await.unwrap(), [1]);
    let gone = call(2);
    while group.shared.queue().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    may_end.add_permits(2);
    assert_eq!(begun.recv().await.unwrap(), [2]);
    assert!(first.await.unwrap().is_ok());
}

const GATHERING: Lanes = Lanes { count: 2, spare: 0, most: 100, gathers: true };

/// The same work, done for nobody too.
struct Kept(Scripted);

impl Together for Kept {
    type Item = u32;
    type Done = u32;

    fn joins(&self, batch: &[u32], next: &u32) -> bool {
        self.0.joins(batch, next)
    }

    fn is_done_for_nobody(&self) -> bool {
        true
    }

    async fn run(&self, batch: &[u32]) -> Result<Vec<u32>, StoreError> {
        self.0.run(batch).await
    }
}
