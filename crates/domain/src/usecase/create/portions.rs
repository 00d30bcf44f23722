//! The messages of a command, made a portion at a time: a store works on one while the next is made.

use std::iter::Enumerate;
use std::slice::Iter;

use chrono::{DateTime, Utc};

use super::prepare::{Preparation, prepare};
use super::{Batch, RecipientSpec, Rejected};
use crate::ids::MessageId;
use crate::message::Message;
use crate::ports::{Entropy, NewMessage};
use crate::usecase::Deps;

/// Many enough that a statement costs little beside its rows, few enough that the first is soon under way.
pub(super) const PORTION: usize = 1_000;

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
        }
    }

    /// What all came to, given the messages in the order in which they were made.
    pub(super) fn into_batch(self, messages: Vec<Message>) -> Batch {
        Batch { messages: self.places.into_iter().zip(messages).collect(), rejected: self.rejected }
    }
}

impl Iterator for Portions<'_> {
    type Item = Vec<NewMessage>;

    fn next(&mut self) -> Option<Vec<NewMessage>> {
        let command = self.preparation.command;
        let mut portion = Vec::with_capacity(PORTION.min(self.recipients.len()));
        while portion.len() < PORTION
            && let Some((index, recipient)) = self.recipients.next()
        {
            match prepare(&self.preparation, recipient) {
                Ok(content) => {
                    let id = MessageId::new(self.entropy.uuid(self.now));
                    let message =
                        Message::queued(id, content, command.priority, command.scheduled_at, self.now);
                    portion.push(NewMessage { message, allow_duplicate: command.allow_duplicate });
                    self.places.push(index);
                }
                Err(misfit) => self.rejected.push(Rejected { index, problems: misfit.problems }),
            }
        }
        (!portion.is_empty()).then_some(portion)
    }
}
