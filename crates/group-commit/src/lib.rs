//! Group commit: what arrives singly but at once is done together, by one statement and one commit.
//!
//! A lone item is done at once. Of what arrives together each lane takes its share: where some are at work, or were a
//! moment ago, a lane waits until as many are there as its share comes to, but for a millisecond or two at most. Each item is
//! answered only after its commit.
//!
//! A batch that takes long, as one of its items waits for a lock, does not hold up what comes after it: a spare lane takes
//! its place meanwhile.

mod lane;
mod share;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ports::StoreError;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use self::lane::Lane;
use self::share::Share;

/// Work that can be done for several at once.
pub trait Together: Send + Sync + 'static {
    /// What is asked for.
    type Item: Send + Sync + 'static;
    /// What came of it.
    type Done: Send + 'static;

    /// Whether an item may join these; one that may not waits for the next batch.
    fn joins(&self, batch: &[Self::Item], next: &Self::Item) -> bool;

    /// Whether an item is done even if nobody waits for it any more when its batch begins.
    fn is_done_for_nobody(&self) -> bool {
        false
    }

    /// Does all of the items and commits; answers in their order. After an error that one item may be the reason of, each
    /// is done by itself: what was done before the error must stand being done again.
    fn run(&self, batch: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Done>, StoreError>> + Send;
}

/// How many batches at a time, and how large they may be.
#[derive(Debug, Clone, Copy)]
pub struct Lanes {
    /// With two, one batch is worked on while another waits for its commit. With one, all that comes in the meantime
    /// is the next batch: twice as large, and each item costs less.
    pub count: usize,
    /// How many that are held up may make room for others; each has a connection.
    pub spare: usize,
    /// The most items in a batch.
    pub most: usize,
    /// Whether a lane waits for its share of those who come. Not where they come in batches anyway.
    pub gathers: bool,
}

/// The queue in front of some [`Together`].
pub struct GroupCommit<W: Together> {
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
    /// As many wait as the lane that gathers is to take.
    complete: Notify,
}

struct Queue<W: Together> {
    waiting: VecDeque<Waiting<W>>,
    /// Lanes that gather or are at work, but for those that are held up.
    busy: usize,
    held_up: usize,
    /// How many the lane that gathers waits for, if one does; never two.
    gathering: Option<usize>,
    share: Share,
}

struct Waiting<W: Together> {
    item: W::Item,
    answer: Sender<W>,
}

impl<W: Together> GroupCommit<W> {
    /// An empty queue, whose batches run on this runtime.
    pub fn new(work: W, lanes: Lanes, runtime: Handle) -> Self {
        let queue =
            Queue { waiting: VecDeque::new(), busy: 0, held_up: 0, gathering: None, share: Share::default() };
        let shared = Shared { work, lanes, runtime, queue: Mutex::new(queue), complete: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Does one item, together with what else is there; gives it back with what came of it.
    ///
    /// # Errors
    /// The item's own: when a batch is refused, its items are tried one by one. Where the database is unavailable,
    /// that of the whole batch.
    pub async fn submit(&self, item: W::Item) -> Answer<W> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut queue = self.shared.queue();
            queue.waiting.push_back(Waiting { item, answer });
            match queue.gathering {
                Some(wanted) => {
                    if queue.waiting.len() == wanted {
                        self.shared.complete.notify_one();
                    }
                    false
                }
                None => self.shared.occupy(&mut queue),
            }
        };
        if start {
            Lane::start(&self.shared);
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the batch was broken off".to_owned())))
    }
}

impl<W: Together> Shared<W> {
    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more lane as busy, if there is a place; it is the one that gathers.
    fn occupy(&self, queue: &mut Queue<W>) -> bool {
        let free = queue.busy < self.lanes.count;
        if free {
            queue.busy += 1;
            // Until it knows how many.
            queue.gathering = Some(usize::MAX);
        }
        free
    }
}

#[cfg(test)]
mod tests;
