//! Group commit: what arrives singly but at once is done together, by one statement and one commit.
//!
//! A lone item is done at once. What arrives while all lanes are at work waits in a queue, and the first lane that is
//! free takes all of it. So nothing is ever delayed to make a batch larger, and under load the batches grow by
//! themselves. Each item is answered only after its commit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ports::StoreError;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Work that can be done for several at once.
pub(crate) trait Together: Send + Sync + 'static {
    /// What is asked for.
    type Item: Send + Sync + 'static;
    /// What came of it.
    type Done: Send + 'static;

    /// Whether an item may join these; one that may not waits for the next batch.
    fn joins(&self, batch: &[Self::Item], next: &Self::Item) -> bool;

    /// Does all of the items or none, and commits; answers in their order.
    fn run(&self, batch: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Done>, StoreError>> + Send;
}

/// How many batches at a time, and how large they may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes {
    /// With two, one batch is worked on while another waits for its commit. With one, all that comes in the meantime
    /// is the next batch: twice as large, and each item costs less.
    pub(crate) count: usize,
    /// The most items in a batch.
    pub(crate) most: usize,
}

/// The queue in front of some [`Together`].
pub(crate) struct GroupCommit<W: Together> {
    shared: Arc<Shared<W>>,
}

type Answer<W> = Result<(<W as Together>::Item, <W as Together>::Done), StoreError>;
type Sender<W> = oneshot::Sender<Answer<W>>;
/// Items, and who waits for each.
type Batch<W> = (Vec<<W as Together>::Item>, Vec<Sender<W>>);

struct Shared<W: Together> {
    work: W,
    lanes: Lanes,
    /// Where the lanes run: not where the callers do, for a caller may go away in the midst of a batch.
    runtime: Handle,
    queue: Mutex<Queue<W>>,
}

struct Queue<W: Together> {
    waiting: VecDeque<Waiting<W>>,
    busy: usize,
}

struct Waiting<W: Together> {
    item: W::Item,
    answer: Sender<W>,
}

impl<W: Together> GroupCommit<W> {
    /// An empty queue, whose batches run on the runtime that this is called on.
    pub(crate) fn new(work: W, lanes: Lanes) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), busy: 0 });
        Self { shared: Arc::new(Shared { work, lanes, runtime: Handle::current(), queue }) }
    }

    /// Does one item, together with what else is there; gives it back with what came of it.
    ///
    /// # Errors
    /// The item's own: when a batch is refused, its items are tried one by one. Where the database is unavailable,
    /// that of the whole batch.
    pub(crate) async fn submit(&self, item: W::Item) -> Answer<W> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut queue = self.shared.queue();
            queue.waiting.push_back(Waiting { item, answer });
            let free = queue.busy < self.shared.lanes.count;
            queue.busy += usize::from(free);
            free
        };
        if start {
            let lane = Lane { shared: Some(self.shared.clone()) };
            self.shared.runtime.spawn(lane.run());
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the batch was broken off".to_owned())))
    }
}

impl<W: Together> Shared<W> {
    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; `None` when nobody waits, and then the lane has ended.
    fn next(&self) -> Option<Batch<W>> {
        let mut queue = self.queue();
        let (mut items, mut answers) = (Vec::new(), Vec::new());
        while items.len() < self.lanes.most {
            let Some(Waiting { item, answer }) = queue.waiting.pop_front() else { break };
            if answer.is_closed() {
                // Nobody waits for it any more.
                continue;
            }
            if !items.is_empty() && !self.work.joins(&items, &item) {
                queue.waiting.push_front(Waiting { item, answer });
                break;
            }
            items.push(item);
            answers.push(answer);
        }
        if items.is_empty() {
            queue.busy -= 1;
            return None;
        }
        Some((items, answers))
    }

    async fn answer(&self, items: Vec<W::Item>, answers: Vec<Sender<W>>) {
        let several = items.len() > 1;
        match self.work.run(&items).await {
            Ok(done) => {
                for ((item, done), answer) in items.into_iter().zip(done).zip(answers) {
                    let _ = answer.send(Ok((item, done)));
                }
            }
            // It may be one item's fault, and nothing was done.
            Err(StoreError::Refused(_) | StoreError::Busy(_) | StoreError::Corrupt(_)) if several => {
                for (item, answer) in items.into_iter().zip(answers) {
                    let one = [item];
                    let result = self.work.run(&one).await;
                    let [item] = one;
                    let _ = answer.send(result.and_then(|done| match done.into_iter().next() {
                        Some(done) => Ok((item, done)),
                        None => Err(StoreError::Corrupt("no answer for an item".to_owned())),
                    }));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// One task that works through the queue until it is empty.
struct Lane<W: Together> {
    /// `None` once it has ended in order.
    shared: Option<Arc<Shared<W>>>,
}

impl<W: Together> Lane<W> {
    async fn run(mut self) {
        let Some(shared) = self.shared.clone() else { return };
        while let Some((items, answers)) = shared.next() {
            shared.answer(items, answers).await;
        }
        self.shared = None;
    }
}

impl<W: Together> Drop for Lane<W> {
    /// A lane that broke, or whose runtime ended: nobody is left waiting for it.
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            let abandoned = {
                let mut queue = shared.queue();
                queue.busy -= 1;
                std::mem::take(&mut queue.waiting)
            };
            drop(abandoned);
        }
    }
}

#[cfg(test)]
mod tests;
