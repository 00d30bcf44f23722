//! What a scripted N8N saw and did.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::sync::watch;

/// One hand-off as it arrived.
#[derive(Debug, Clone)]
pub struct HandOff {
    /// Its place in the order of arrival, from 0.
    pub order: usize,
    /// When it arrived.
    pub arrived: Instant,
    /// The same by the wall clock, to be compared with another process's.
    pub arrived_at: SystemTime,
    /// The connection that it came by.
    pub peer: SocketAddr,
    /// The path that it was posted to.
    pub path: String,
    /// Its headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body, byte for byte.
    pub raw: Vec<u8>,
    /// Its body as JSON, `null` when it is none.
    pub body: Value,
    /// `messageId`, empty when there is none.
    pub message_id: String,
    /// `attempt`, 0 when there is none.
    pub attempt: u64,
    /// `leaseId`, empty when there is none.
    pub lease_id: String,
    /// The header `Idempotency-Key`, empty when there is none.
    pub idempotency_key: String,
    /// How many hand-offs with the same idempotency key came before it.
    pub repeats: usize,
}

impl HandOff {
    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// One callback that was answered, be it with a refusal.
#[derive(Debug, Clone)]
pub struct CallbackRecord {
    /// When it was answered.
    pub at: Instant,
    /// Where it went.
    pub url: String,
    /// What was sent: an object or an array.
    pub body: Value,
    /// The status of the answer.
    pub status: u16,
    /// The answer as JSON, `null` when it is none.
    pub answer: Value,
    /// How many tries before got no answer, or a 5xx or 429.
    pub failed_tries: usize,
}

impl CallbackRecord {
    /// Each message that it was about and whether the server says that it changed it.
    pub fn applied(&self) -> Vec<(String, bool)> {
        let one = |body: &Value, answer: &Value| {
            let id = body["messageId"].as_str().unwrap_or_default().to_owned();
            (id, answer["applied"].as_bool().unwrap_or(false))
        };
        match self.body.as_array() {
            Some(items) => {
                let results = self.answer["results"].as_array().map_or(&[][..], Vec::as_slice);
                let result = |index| results.get(index).unwrap_or(&Value::Null);
                items.iter().enumerate().map(|(index, item)| one(item, result(index))).collect()
            }
            None => vec![one(&self.body, &self.answer)],
        }
    }
}

/// Everything so far. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Hand-offs by arrival.
    pub hand_offs: Vec<Arc<HandOff>>,
    /// Callbacks by their answers.
    pub callbacks: Vec<Arc<CallbackRecord>>,
    /// Tries of callbacks that got no answer, or a 5xx or 429, and were made anew.
    pub failed_tries: usize,
    seen: HashMap<String, usize>,
}

impl Log {
    /// The hand-offs of one message, by arrival.
    pub fn of(&self, message_id: &str) -> Vec<&HandOff> {
        self.hand_offs.iter().map(Arc::as_ref).filter(|hand_off| hand_off.message_id == message_id).collect()
    }

    /// The messages that were handed off, by first arrival, each once.
    pub fn messages(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        let ids = self.hand_offs.iter().map(|hand_off| hand_off.message_id.as_str());
        ids.filter(|id| seen.insert(*id)).collect()
    }

    /// The idempotency keys that came more than once, with how often. An N8N that drops repeats by them sends none
    /// of these twice.
    pub fn repeated_keys(&self) -> Vec<(&str, usize)> {
        self.seen.iter().filter(|(_, times)| **times > 1).map(|(key, times)| (key.as_str(), *times)).collect()
    }

    /// How many messages callbacks were answered for with this status, arrays counted by their items.
    pub fn called_back(&self, status: u16) -> usize {
        let with_status = self.callbacks.iter().filter(|record| record.status == status);
        with_status.map(|record| record.body.as_array().map_or(1, Vec::len)).sum()
    }
}

/// A condition that did not come true in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "not within {timeout:?}: {hand_offs} hand-offs, {callbacks} callbacks answered, {failed_tries} tries of callbacks failed"
)]
pub struct NotInTime {
    timeout: Duration,
    hand_offs: usize,
    callbacks: usize,
    failed_tries: usize,
}

/// The log, and word of its changes.
#[derive(Default)]
pub(super) struct Journal {
    log: Mutex<Log>,
    changes: watch::Sender<()>,
}

impl Journal {
    pub(super) fn read<T>(&self, reader: impl FnOnce(&Log) -> T) -> T {
        reader(&self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, writer: impl FnOnce(&mut Log) -> T) -> T {
        let written = writer(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_replace(());
        written
    }

    /// Takes a hand-off down; fills in its order and repeats.
    pub(super) fn arrived(&self, mut hand_off: HandOff) -> Arc<HandOff> {
        self.write(|log| {
            let times = log.seen.entry(hand_off.idempotency_key.clone()).or_insert(0);
            (hand_off.repeats, hand_off.order) = (*times, log.hand_offs.len());
            *times += 1;
            let hand_off = Arc::new(hand_off);
            log.hand_offs.push(Arc::clone(&hand_off));
            hand_off
        })
    }

    pub(super) fn called_back(&self, record: CallbackRecord) {
        self.write(|log| log.callbacks.push(Arc::new(record)));
    }

    pub(super) fn failed_try(&self) {
        self.write(|log| log.failed_tries += 1);
    }

    pub(super) async fn wait_until(
        &self,
        condition: impl Fn(&Log) -> bool,
        timeout: Duration,
    ) -> Result<(), NotInTime> {
        let mut changes = self.changes.subscribe();
        let fulfilled = async {
            while !self.read(&condition) {
                // Its sender is in `self`, so that it never closes.
                let _ = changes.changed().await;
            }
        };
        let in_time = tokio::time::timeout(timeout, fulfilled).await;
        in_time.map_err(|_| {
            self.read(|log| NotInTime {
                timeout,
                hand_offs: log.hand_offs.len(),
                callbacks: log.callbacks.len(),
                failed_tries: log.failed_tries,
            })
        })
    }
}
