//! An N8N that answers as it is told, in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::message::Message;
use domain::ports::{Clock, DeliveryGateway, HandOff, HandOffAnswer};
use domain::usecase::run_worker::Stopping;
use memory_store::ManualClock;

type Script<'a> = Box<dyn Fn(&Message) -> HandOffAnswer + Send + Sync + 'a>;

pub struct ScriptedGateway<'a> {
    clock: &'a ManualClock,
    takes: TimeDelta,
    pace: TimeDelta,
    script: Script<'a>,
    received: Mutex<Vec<String>>,
}

impl<'a> ScriptedGateway<'a> {
    pub fn new(
        clock: &'a ManualClock,
        script: impl Fn(&Message) -> HandOffAnswer + Send + Sync + 'a,
    ) -> Self {
        Self {
            clock,
            takes: TimeDelta::zero(),
            pace: TimeDelta::zero(),
            script: Box::new(script),
            received: Mutex::new(Vec::new()),
        }
    }

    pub fn accepting(clock: &'a ManualClock) -> Self {
        Self::new(clock, |_| HandOffAnswer::Accepted)
    }

    pub fn failing(clock: &'a ManualClock) -> Self {
        Self::new(clock, |_| HandOffAnswer::NotAccepted { error: "503".to_owned(), retry_after: None })
    }

    /// Each hand-off moves the clock on.
    pub fn taking(self, takes: TimeDelta) -> Self {
        Self { takes, ..self }
    }

    /// Each turn comes so long after the one before.
    pub fn pacing(self, pace: TimeDelta) -> Self {
        Self { pace, ..self }
    }

    /// The idempotency keys that came in, in order.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

#[async_trait]
impl DeliveryGateway for ScriptedGateway<'_> {
    async fn pace(&self) {
        self.clock.sleep(self.pace).await;
    }

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        self.received.lock().unwrap().push(hand_off.message.idempotency_key());
        self.clock.sleep(self.takes).await;
        (self.script)(hand_off.message)
    }
}

/// A process that goes on, or one that stops.
pub struct Stop(pub bool);

impl Stopping for Stop {
    fn is_stopping(&self) -> bool {
        self.0
    }
}
