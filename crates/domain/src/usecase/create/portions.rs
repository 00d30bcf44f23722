//! The messages of a command, made a portion at a time: a store works on one while the next is made.

use std::iter::Enumerate;
use std::slice::Iter;

use chrono::{DateTime, Utc};
use futures_util::stream::{Stream, unfold};

use super::prepare::{Preparation, prepare};
use super::{Batch, RecipientSpec, Rejected};
use crate::ids::MessageId;
use crate::message::Message;
use crate::ports::{Entropy, NewMessage};
use crate::turns::Turns;
use crate::usecase::Deps;

/// Many enough that a statement costs little beside its rows, few enough that the first is soon under way.
const PORTION: usize = 1_000;
/// With long texts a portion is fewer: a thousand messages of the ordinary length have less.
const PORTION_BYTES: usize = 256 * 1024;

/// Makes the messages and keeps account of the recipients. No portion is empty.
pub(super) struct Portions<'a> {
    entropy: &'a dyn Entropy,
    now: DateTime<Utc>,
    preparation: Preparation<'a>,
    recipients: Enumerate<Iter<'a, RecipientSpec>>,
    /// The places in the command of the messages that were made.
    places: Vec<usize>,
    /// The recipients that were left out.
    rejected: Vec<Rejected>,
    turns: Turns,
}

impl<'a> Portions<'a> {
    pub(super) fn new(deps: &Deps<'a>, preparation: Preparation<'a>) -> Self {
        let recipients = preparation.command.recipients.iter().enumerate();
        Self {
            entropy: deps.entropy,
            now: deps.clock.now(),
            preparation,
            recipients,
            places: Vec::new(),
            rejected: Vec::new(),
            turns: Turns::default(),
        }
    }

    /// What all came to, given the messages in the order in which they were made.
    pub(super) fn into_batch(self, messages: Vec<Message>) -> Batch {
        Batch { messages: self.places.into_iter().zip(messages).collect(), rejected: self.rejected }
    }

    /// Whether all recipients were looked at.
    pub(super) fn is_done(&self) -> bool {
        self.recipients.len() == 0
    }

    /// All that are left.
    pub(super) fn rest(&mut self) -> impl Stream<Item = Vec<NewMessage>> + Send {
        unfold(self, async |portions| Some((portions.next().await?, portions)))
    }

    /// The next.
    pub(super) async fn next(&mut self) -> Option<Vec<NewMessage>> {
        let command = self.preparation.command;
        let mut portion = Vec::with_capacity(PORTION.min(self.recipients.len()));
        let mut bytes = 0;
        while portion.len() < PORTION
            && bytes < PORTION_BYTES
            && let Some((index, recipient)) = self.recipients.next()
        {
            let length = match prepare(&self.preparation, recipient) {
                Ok(content) => {
                    let length = content.text.0.len();
                    let id = MessageId::new(self.entropy.uuid(self.now));
                    let message =
                        Message::queued(id, content, command.priority, command.scheduled_at, self.now);
                    portion.push(NewMessage { message, allow_duplicate: command.allow_duplicate });
                    self.places.push(index);
                    length
                }
                Err(misfit) => {
                    self.rejected.push(Rejected { index, problems: misfit.problems });
                    misfit.text.map_or(0, |text| text.len())
                }
            };
            bytes += length;
            self.turns.worked(length).await;
        }
        (!portion.is_empty()).then_some(portion)
    }
}
