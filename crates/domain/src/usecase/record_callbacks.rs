//! Take down what N8N says became of messages (contract §2, `POST /api/outbound/callback`).

use std::collections::{HashMap, HashSet};

use super::Deps;
use crate::ids::MessageId;
use crate::message::{Callback, Change, Entry, Event, Illegal, SentReport, Standing, Step};
use crate::ports::{Saved, StoreError};

/// How many rounds in a row may settle nothing because all their messages changed in between, before the caller is
/// asked to send again.
const MAX_RACES: usize = 20;

/// What came of one callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It changed the message.
    Applied,
    /// It was known already, or is about an older attempt: nothing changed.
    Unchanged,
    /// There is no such message.
    Unknown,
    /// It can't be.
    Illegal(Illegal),
    /// The message kept changing; the caller should send it again.
    Contended,
}

/// Records callbacks; several about one message are taken in their order. Answers in the order given.
pub async fn record_callbacks(
    deps: &Deps<'_>,
    callbacks: &[(MessageId, Callback)],
) -> Result<Vec<Recorded>, StoreError> {
    let mut answers: Vec<Option<Recorded>> = vec![None; callbacks.len()];
    let mut open: Vec<usize> = (0..callbacks.len()).collect();
    let mut races = 0;
    while !open.is_empty() && races < MAX_RACES {
        let before = open.len();
        round(deps, callbacks, &open, &mut answers).await?;
        open.retain(|index| answers.get(*index).is_some_and(Option::is_none));
        races += usize::from(open.len() == before);
    }
    Ok(answers.into_iter().map(|answer| answer.unwrap_or(Recorded::Contended)).collect())
}

/// One round for the first open callback of each message: what is plainly sent is taken down unread; for all others one
/// read, one decision and one save.
async fn round(
    deps: &Deps<'_>,
    callbacks: &[(MessageId, Callback)],
    open: &[usize],
    answers: &mut [Option<Recorded>],
) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    let turn: Vec<(usize, &(MessageId, Callback))> = open
        .iter()
        .filter_map(|index| callbacks.get(*index).map(|callback| (*index, callback)))
        .filter(|(_, (id, _))| seen.insert(*id))
        .collect();
    let turn = without_plain(deps, turn, answers).await?;
    if turn.is_empty() {
        return Ok(());
    }
    let ids: Vec<MessageId> = turn.iter().map(|(_, (id, _))| *id).collect();
    let messages: HashMap<MessageId, Standing> =
        deps.stores.load_standing(&ids).await?.into_iter().map(|message| (message.id, message)).collect();
    let mut changes: Vec<Change> = Vec::new();
    let mut changing: Vec<usize> = Vec::new();
    let mut notes: Vec<(MessageId, Entry)> = Vec::new();
    for (index, (id, callback)) in turn {
        let answer =
            match messages.get(id).map(|m| m.apply(Event::Callback(callback.clone()), &deps.context())) {
                None => Some(Recorded::Unknown),
                Some(Err(illegal)) => Some(Recorded::Illegal(illegal)),
                Some(Ok(Step::Same(_, note))) => {
                    notes.extend(note.map(|entry| (*id, entry)));
                    Some(Recorded::Unchanged)
                }
                Some(Ok(Step::Moved(change))) => {
                    changes.push(*change);
                    changing.push(index);
                    None
                }
            };
        if let Some(slot) = answers.get_mut(index) {
            *slot = answer;
        }
    }
    if !notes.is_empty() {
        deps.stores.note(&notes).await?;
    }
    if !changes.is_empty() {
        for (index, saved) in changing.into_iter().zip(deps.stores.save(&changes).await?) {
            if let Some(slot) = answers.get_mut(index) {
                *slot = match saved {
                    Saved::Done => Some(Recorded::Applied),
                    Saved::Stale => None,
                };
            }
        }
    }
    Ok(())
}

/// Takes down what is plainly sent; answers what is left.
async fn without_plain<'a>(
    deps: &Deps<'_>,
    mut turn: Vec<(usize, &'a (MessageId, Callback))>,
    answers: &mut [Option<Recorded>],
) -> Result<Vec<(usize, &'a (MessageId, Callback))>, StoreError> {
    let now = deps.clock.now();
    let (places, reports): (Vec<usize>, Vec<SentReport>) = turn
        .iter()
        .filter_map(|(index, (id, callback))| Some((*index, SentReport::of(*id, callback, now)?)))
        .unzip();
    if reports.is_empty() {
        return Ok(turn);
    }
    let saved = deps.stores.save_sent(&reports, now).await?;
    for (index, _) in places.into_iter().zip(saved).filter(|(_, is_saved)| *is_saved) {
        if let Some(slot) = answers.get_mut(index) {
            *slot = Some(Recorded::Applied);
        }
    }
    turn.retain(|(index, _)| answers.get(*index).is_some_and(Option::is_none));
    Ok(turn)
}
