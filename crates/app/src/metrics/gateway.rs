//! The way to N8N, counted and timed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::ports::{DeliveryGateway, HandOff, HandOffAnswer};
use metrics::{Counter, Histogram, Label};

use super::names::{HAND_OFF_SECONDS, HAND_OFFS};
use super::registry::Registry;

/// Hands off as the gateway within, and counts what comes of it.
pub(super) struct Measured {
    within: Arc<dyn DeliveryGateway>,
    accepted: Counter,
    settled: Counter,
    not_accepted: Counter,
    refused: Counter,
    unknown: Counter,
    took: Histogram,
}

impl Measured {
    pub(super) fn new(within: Arc<dyn DeliveryGateway>, registry: &Registry) -> Self {
        let of = |outcome| registry.counter(HAND_OFFS, vec![Label::from_static_parts("outcome", outcome)]);
        Self {
            within,
            accepted: of("accepted"),
            settled: of("settled"),
            not_accepted: of("not_accepted"),
            refused: of("refused"),
            unknown: of("unknown"),
            took: registry.histogram(HAND_OFF_SECONDS, Vec::new()),
        }
    }
}

#[async_trait]
impl DeliveryGateway for Measured {
    async fn pace(&self) {
        self.within.pace().await;
    }

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        let started = Instant::now();
        let answer = self.within.hand_off(hand_off).await;
        self.took.record(started.elapsed());
        let counter = match &answer {
            HandOffAnswer::Accepted => &self.accepted,
            HandOffAnswer::Settled(_) => &self.settled,
            HandOffAnswer::NotAccepted { .. } => &self.not_accepted,
            HandOffAnswer::Refused { .. } => &self.refused,
            HandOffAnswer::Unknown => &self.unknown,
        };
        counter.increment(1);
        answer
    }
}
