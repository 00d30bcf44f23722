//! The side of N8N that calls back: again and again until a server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::{RwLock, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::log::{CallbackAnswer, HandOff, Log, Said, Word};
use super::script::{Callback, Names};
use crate::clock::ShiftedClock;
use crate::hours::rfc3339;
use crate::moment::Moment;
use crate::settings::CALLBACK_SECRET;

/// How many callbacks are under way at once.
const AT_ONCE: usize = 48;
/// How long an array waits for more items.
const GATHER: Duration = Duration::from_millis(250);
/// The longest wait before a callback that was not taken is tried again.
const LONGEST_WAIT: Duration = Duration::from_millis(1_500);

/// Calls back.
pub struct Caller {
    client: Client,
    urls: RwLock<Vec<String>>,
    turn: AtomicUsize,
    at_once: Semaphore,
    batch: mpsc::UnboundedSender<Item>,
    log: Arc<Log>,
    clock: Arc<ShiftedClock>,
    stop: CancellationToken,
}

/// One thing to say: its numbers in the log (copies have several) and its words.
struct Item {
    number: usize,
    body: Value,
}

impl Caller {
    /// Calls back to the servers that [`Self::set_servers`] names, until `stop`.
    pub fn new(
        client: Client,
        log: Arc<Log>,
        clock: Arc<ShiftedClock>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (batch, batched) = mpsc::unbounded_channel();
        let (urls, turn, at_once) = (RwLock::default(), AtomicUsize::new(0), Semaphore::new(AT_ONCE));
        let caller = Arc::new(Self { client, urls, turn, at_once, batch, log, clock, stop });
        caller.spawn(send_batches(Arc::clone(&caller), batched));
        caller
    }

    /// The servers.
    pub async fn set_servers(&self, urls: &[String]) {
        *self.urls.write().await = urls.iter().map(|url| format!("{url}/api/outbound/callback")).collect();
    }

    /// Says what the plan says about a hand-off: at its time, and those that overtake at once, with the first try
    /// awaited.
    pub async fn follow(self: &Arc<Self>, hand_off: &HandOff, plan: &[Callback]) {
        let mut overtaking = Vec::new();
        for callback in plan {
            for _ in 0..callback.copies {
                let item = self.item(hand_off, callback);
                if callback.overtakes {
                    overtaking.push(item);
                    continue;
                }
                let (caller, after, batched) = (Arc::clone(self), callback.after, callback.batched);
                self.spawn(async move {
                    tokio::time::sleep(after).await;
                    if batched {
                        caller.log.tries(item.number);
                        let _ = caller.batch.send(item);
                    } else {
                        caller.say(vec![item], false).await;
                    }
                });
            }
        }
        for item in overtaking {
            // In a task of its own: a connection that breaks meanwhile ends the wait, not what is to be said.
            let (caller, mut items) = (Arc::clone(self), vec![item]);
            let (tried, first_try) = oneshot::channel();
            self.spawn(async move {
                let done = caller.attempt(&mut items, false).await;
                let _ = tried.send(());
                if !done {
                    caller.say(items, false).await;
                }
            });
            let _ = first_try.await;
        }
    }

    fn item(&self, hand_off: &HandOff, callback: &Callback) -> Item {
        let mut body = json!({"messageId": hand_off.message, "status": callback.word.text()});
        match callback.word {
            Word::Sent => {
                body["providerMessageId"] = format!("p-{}", hand_off.message).into();
                // N8N's own clock is a little behind.
                if hand_off.message.ends_with(['0', '1', '2', '3']) {
                    body["sentAt"] = rfc3339(self.clock.server_now()).into();
                }
            }
            Word::Failed { permanent } => {
                body["error"] = "line busy".into();
                if permanent {
                    body["permanent"] = true.into();
                }
            }
            Word::Skipped => body["error"] = "not on a working day".into(),
        }
        if callback.names != Names::Nothing {
            body["attempt"] = hand_off.attempt.into();
        }
        if callback.names == Names::Both {
            body["leaseId"] = hand_off.lease.clone().into();
        }
        // A field of N8N's own: the server passes it over.
        body["execution"] = json!({"id": 1});
        let number = self.log.plans(Said {
            message: hand_off.message.clone(),
            attempt: hand_off.attempt,
            lease: hand_off.lease.clone(),
            word: callback.word,
            first_try: None,
            answer: None,
        });
        Item { number, body }
    }

    /// Says it until it is answered for good.
    async fn say(&self, mut items: Vec<Item>, as_array: bool) {
        let mut wait = Duration::from_millis(50);
        while !self.attempt(&mut items, as_array).await {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// One try; whether all of it was answered for good. What was is taken out of `items`.
    async fn attempt(&self, items: &mut Vec<Item>, as_array: bool) -> bool {
        let Ok(_permit) = self.at_once.acquire().await else { return true };
        let Some(url) = self.next_server().await else { return false };
        items.iter().for_each(|item| self.log.tries(item.number));
        let bodies: Vec<&Value> = items.iter().map(|item| &item.body).collect();
        let request = match (as_array, bodies.as_slice()) {
            (false, [one]) => self.client.post(url).json(one),
            (_, all) => self.client.post(url).json(all),
        };
        let Ok(response) = request.header("x-callback-secret", CALLBACK_SECRET).send().await else {
            return false;
        };
        let status = response.status().as_u16();
        let Ok(answer) = response.bytes().await else { return false };
        if status >= 500 || status == 429 {
            return false;
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        let results = answer["results"].as_array();
        let many = items.len();
        let mut index = 0;
        items.retain(|item| {
            let of_item = if as_array { results.and_then(|all| all.get(index)) } else { Some(&answer) };
            index += 1;
            let taken = read(status, of_item, as_array);
            if let Some(answer) = &taken {
                self.log.answered(item.number, answer.clone());
            }
            taken.is_none()
        });
        if as_array && results.is_some_and(|results| results.len() != many) {
            self.log.odd(format!("an array of {many} callbacks was answered with another number of results"));
        }
        items.is_empty()
    }

    async fn next_server(&self) -> Option<String> {
        let urls = self.urls.read().await;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        urls.get(turn % urls.len().max(1)).cloned()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }
}

/// The answer to one callback; `None` where it must be sent again.
fn read(status: u16, answer: Option<&Value>, in_array: bool) -> Option<CallbackAnswer> {
    let Some(answer) = answer else {
        return Some(CallbackAnswer {
            at: Moment::now(),
            status,
            applied: false,
            error: Some("no result".into()),
        });
    };
    let error = answer["error"].as_object().map(|_| answer["error"].to_string());
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    let status = match (in_array, code) {
        (true, "UNAVAILABLE") => return None,
        (true, "NOT_FOUND") => 404,
        (true, "CONFLICT") => 409,
        (true, "VALIDATION_ERROR") => 400,
        (true, "INTERNAL_ERROR") => 500,
        _ => status,
    };
    let applied = answer["applied"].as_bool().unwrap_or(false);
    Some(CallbackAnswer { at: Moment::now(), status, applied, error })
}

/// Sends what waits as one array, and what comes meanwhile as the next.
async fn send_batches(caller: Arc<Caller>, mut batched: mpsc::UnboundedReceiver<Item>) {
    let mut items = Vec::new();
    while batched.recv_many(&mut items, 200).await > 0 {
        tokio::time::sleep(GATHER).await;
        while items.len() < 200 {
            let Ok(item) = batched.try_recv() else { break };
            items.push(item);
        }
        let items = std::mem::take(&mut items);
        let sender = Arc::clone(&caller);
        caller.spawn(async move { sender.say(items, true).await });
    }
}
