//! A lane: one task that takes batch after batch, until nobody waits.

use std::pin::pin;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use domain::ports::StoreError;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::{Batch, Queue, Sender, Shared, Together, Waiting};

/// A batch that takes longer is held up. Many times what a full one takes.
const LONG: Duration = Duration::from_millis(100);
/// How long a lane waits for its share: the timer's smallest step.
const LINGER: Duration = Duration::from_millis(1);

/// One task that works through the queue until it is empty.
pub(crate) struct Lane<W: Together> {
    shared: Arc<Shared<W>>,
    place: Place,
    /// How many it has at work.
    at_work: usize,
}

/// As what a lane is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the one that gathers.
    Gathering,
    Busy,
    HeldUp,
    /// It has ended in order.
    None,
}

impl<W: Together> Lane<W> {
    /// Starts one that is counted as busy and gathers.
    pub(crate) fn start(shared: &Arc<Shared<W>>) {
        let lane = Self { shared: shared.clone(), place: Place::Gathering, at_work: 0 };
        shared.runtime.spawn(lane.run());
    }

    async fn run(mut self) {
        let shared = self.shared.clone();
        while let Some((items, answers)) = self.gather().await {
            let mut answering = pin!(shared.answer(items, answers));
            let in_time = timeout(LONG, &mut answering).await.is_ok();
            if !in_time {
                self.make_room();
                answering.await;
            }
            if !self.come_back() {
                return;
            }
        }
    }

    /// Its share of those who come, or fewer after a while; `None` when nobody does, and then it has ended.
    async fn gather(&mut self) -> Option<Batch<W>> {
        // Those who are about to ask have their turn first.
        yield_now().await;
        let shared = self.shared.clone();
        let waits = shared.lanes.gathers && {
            let mut queue = shared.queue();
            let wanted = queue.share.of(shared.lanes.count).min(shared.lanes.most);
            queue.gathering = Some(wanted);
            queue.waiting.len() < wanted
        };
        let in_vain = waits && timeout(LINGER, shared.complete.notified()).await.is_err();
        self.take(in_vain)
    }

    fn take(&mut self, in_vain: bool) -> Option<Batch<W>> {
        let mut queue = self.shared.queue();
        let (items, answers) = self.shared.next(&mut queue);
        queue.gathering = None;
        self.at_work = items.len();
        let left = queue.waiting.len();
        queue.share.taken(self.at_work, left, in_vain);
        if items.is_empty() {
            queue.busy -= 1;
            self.place = Place::None;
            return None;
        }
        self.place = Place::Busy;
        Self::start_if_needed(&self.shared, queue);
        Some((items, answers))
    }

    /// Another one, where somebody waits, nobody gathers, and there is a place.
    fn start_if_needed(shared: &Arc<Shared<W>>, mut queue: MutexGuard<'_, Queue<W>>) {
        let is_needed = !queue.waiting.is_empty() && queue.gathering.is_none() && shared.occupy(&mut queue);
        drop(queue);
        if is_needed {
            Self::start(shared);
        }
    }

    /// Another lane may take its place.
    fn make_room(&mut self) {
        let mut queue = self.shared.queue();
        if queue.held_up == self.shared.lanes.spare {
            return;
        }
        queue.held_up += 1;
        queue.busy -= 1;
        self.place = Place::HeldUp;
        Self::start_if_needed(&self.shared, queue);
    }

    /// Whether it goes on and gathers; not where another lane does, or has its place.
    fn come_back(&mut self) -> bool {
        let mut queue = self.shared.queue();
        queue.share.done(std::mem::take(&mut self.at_work));
        match self.place {
            Place::HeldUp => queue.held_up -= 1,
            Place::Busy => queue.busy -= 1,
            Place::Gathering | Place::None => {}
        }
        let goes_on = queue.gathering.is_none() && self.shared.occupy(&mut queue);
        self.place = if goes_on { Place::Gathering } else { Place::None };
        goes_on
    }
}

impl<W: Together> Drop for Lane<W> {
    /// A lane that broke: another goes on with those who wait. Where its runtime ended, that one ends before it gathers,
    /// and nobody is left waiting for it.
    fn drop(&mut self) {
        if self.place == Place::None {
            return;
        }
        let mut queue = self.shared.queue();
        queue.share.done(self.at_work);
        match self.place {
            Place::Gathering => {
                queue.busy -= 1;
                queue.gathering = None;
                let abandoned = std::mem::take(&mut queue.waiting);
                drop(queue);
                drop(abandoned);
                return;
            }
            Place::Busy => queue.busy -= 1,
            Place::HeldUp => queue.held_up -= 1,
            Place::None => {}
        }
        Self::start_if_needed(&self.shared, queue);
    }
}

impl<W: Together> Shared<W> {
    /// Those who go together.
    fn next(&self, queue: &mut Queue<W>) -> Batch<W> {
        let (mut items, mut answers) = (Vec::new(), Vec::new());
        while items.len() < self.lanes.most {
            let Some(Waiting { item, answer }) = queue.waiting.pop_front() else { break };
            if answer.is_closed() && !self.work.is_done_for_nobody() {
                continue;
            }
            if !items.is_empty() && !self.work.joins(&items, &item) {
                queue.waiting.push_front(Waiting { item, answer });
                break;
            }
            items.push(item);
            answers.push(answer);
        }
        (items, answers)
    }

    async fn answer(&self, items: Vec<W::Item>, answers: Vec<Sender<W>>) {
        let several = items.len() > 1;
        match self.work.run(&items).await {
            Ok(done) => {
                for ((item, done), answer) in items.into_iter().zip(done).zip(answers) {
                    let _ = answer.send(Ok((item, done)));
                }
            }
            // It may be one item's fault.
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
