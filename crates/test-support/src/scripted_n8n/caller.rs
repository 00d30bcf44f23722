//! The side that calls back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::log::{CallbackRecord, HandOff, Journal};
use super::script::{CallbackPlan, Naming};

/// How many callbacks are under way at once.
const AT_ONCE: usize = 64;
/// The wait before a callback that was not taken is tried again; it grows with each try.
const WAIT: Duration = Duration::from_millis(50);
/// The longest such wait, so that a test does not wait long for a server that is back.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Where to call back, and how to prove who calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets {
    pub(super) urls: Vec<String>,
    pub(super) secret: String,
}

pub(super) struct Caller {
    client: Client,
    targets: watch::Sender<Targets>,
    turn: AtomicUsize,
    at_once: Semaphore,
    batch: mpsc::UnboundedSender<Value>,
    journal: Arc<Journal>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What one callback needs to be sent without its hand-off.
struct Call {
    body: Value,
    /// The hand-off's `callbackUrl`.
    url: Option<String>,
}

impl Caller {
    pub(super) fn new(
        journal: Arc<Journal>,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> io::Result<Arc<Self>> {
        // The client wants a provider even for plain HTTP; another test may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(30)).build();
        let (batch, batched) = mpsc::unbounded_channel();
        let caller = Arc::new(Self {
            client: client.map_err(io::Error::other)?,
            targets: watch::Sender::new(Targets::default()),
            turn: AtomicUsize::new(0),
            at_once: Semaphore::new(AT_ONCE),
            batch,
            journal,
            stop,
            tasks,
        });
        caller.spawn(|caller| caller.send_batches(batched));
        Ok(caller)
    }

    pub(super) fn set_targets(&self, targets: Targets) {
        self.targets.send_replace(targets);
    }

    /// Makes the callbacks that overtake the answer; of one that is not taken at once, no more than the first try.
    pub(super) async fn overtake(self: &Arc<Self>, hand_off: &HandOff, plans: &[CallbackPlan]) {
        for plan in plans.iter().filter(|plan| plan.overtakes) {
            tokio::time::sleep(plan.after).await;
            for _ in 0..plan.times {
                let call = Call::new(hand_off, plan);
                if !self.attempt(&call, 0).await {
                    self.spawn(|caller| caller.call(call, 1));
                }
            }
        }
    }

    /// Makes the other callbacks in the background.
    pub(super) fn follow(self: &Arc<Self>, hand_off: &HandOff, plans: Vec<CallbackPlan>) {
        for plan in plans.into_iter().filter(|plan| !plan.overtakes) {
            let calls: Vec<_> = (0..plan.times).map(|_| Call::new(hand_off, &plan)).collect();
            self.spawn(async move |caller: Arc<Self>| {
                if !plan.after.is_zero() {
                    tokio::time::sleep(plan.after).await;
                }
                for call in calls {
                    if plan.batched {
                        // The receiver ends only when everything does.
                        let _ = caller.batch.send(call.body);
                    } else {
                        Arc::clone(&caller).call(call, 0).await;
                    }
                }
            });
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F) {
        let (stop, task) = (self.stop.clone(), task(Arc::clone(self)));
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Sends whatever waits as one array, and what comes meanwhile as the next.
    async fn send_batches(self: Arc<Self>, mut batched: mpsc::UnboundedReceiver<Value>) {
        let mut items = Vec::new();
        while batched.recv_many(&mut items, 1_000).await > 0 {
            let body = Value::Array(std::mem::take(&mut items));
            Arc::clone(&self).call(Call { body, url: None }, 0).await;
        }
    }

    /// Tries until it is answered with anything but 5xx or 429.
    async fn call(self: Arc<Self>, call: Call, mut failed_tries: usize) {
        while !self.attempt(&call, failed_tries).await {
            failed_tries += 1;
            let grown = WAIT.saturating_mul(u32::try_from(failed_tries).unwrap_or(u32::MAX));
            tokio::time::sleep(grown.min(LONGEST_WAIT)).await;
        }
    }

    /// One try; whether it was answered for good.
    async fn attempt(&self, call: &Call, failed_tries: usize) -> bool {
        let (url, secret) = self.target(call).await;
        let Ok(_permit) = self.at_once.acquire().await else { return true };
        let request = self.client.post(&url).header("x-callback-secret", secret).json(&call.body);
        let answered = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                response
                    .bytes()
                    .await
                    .ok()
                    .map(|body| (status, body))
                    .filter(|_| status < 500 && status != 429)
            }
            Err(_) => None,
        };
        let Some((status, answer)) = answered else {
            self.journal.failed_try();
            return false;
        };
        let answer = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        let (at, body) = (Instant::now(), call.body.clone());
        self.journal.called_back(CallbackRecord { at, url, body, status, answer, failed_tries });
        true
    }

    /// The next address in turn.
    async fn target(&self, call: &Call) -> (String, String) {
        let mut targets = self.targets.subscribe();
        // Its sender is in `self`, so that it never closes.
        let known = targets.wait_for(|targets| !targets.urls.is_empty() || call.url.is_some()).await;
        let Targets { urls, secret } = known.map(|targets| targets.clone()).unwrap_or_default();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % urls.len().max(1);
        let url = urls.into_iter().nth(turn).or_else(|| call.url.clone());
        (url.unwrap_or_default(), secret)
    }
}

impl Call {
    fn new(hand_off: &HandOff, plan: &CallbackPlan) -> Self {
        let mut body = json!({"messageId": hand_off.message_id});
        match &plan.naming {
            Naming::Its => {
                body["attempt"] = hand_off.attempt.into();
                body["leaseId"] = hand_off.lease_id.clone().into();
            }
            Naming::None => {}
            Naming::Others { attempt, lease_id } => {
                body["attempt"] = (*attempt).into();
                if let Some(lease) = lease_id {
                    body["leaseId"] = lease.clone().into();
                }
            }
        }
        if plan.fields["status"] == "SENT" {
            body["providerMessageId"] = format!("n8n-{}", hand_off.message_id).into();
        }
        if let (Some(body), Some(fields)) = (body.as_object_mut(), plan.fields.as_object()) {
            body.extend(fields.clone());
        }
        Self { body, url: hand_off.body["callbackUrl"].as_str().map(str::to_owned) }
    }
}
