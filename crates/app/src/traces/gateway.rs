//! The way to N8N, traced.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::ports::{DeliveryGateway, HandOff, HandOffAnswer};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::{Span, Traces};

/// Hands off as the gateway within, and tells N8N the message's trace.
pub(super) struct Traced {
    within: Arc<dyn DeliveryGateway>,
    traces: Arc<Traces>,
}

impl Traced {
    pub(super) fn new(within: Arc<dyn DeliveryGateway>, traces: Arc<Traces>) -> Self {
        Self { within, traces }
    }
}

#[async_trait]
impl DeliveryGateway for Traced {
    async fn pace(&self) {
        self.within.pace().await;
    }

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        let trace = self.traces.trace_of(hand_off.message.id);
        let id = self.traces.new_span_id();
        let traceparent = trace.traceparent(id);
        let started = Instant::now();
        let answer = self.within.hand_off(HandOff { traceparent: Some(&traceparent), ..hand_off }).await;
        let (outcome, failed) = match &answer {
            HandOffAnswer::Accepted => ("accepted", false),
            HandOffAnswer::Settled(_) => ("settled", false),
            HandOffAnswer::NotAccepted { .. } => ("not_accepted", true),
            HandOffAnswer::Refused { .. } => ("refused", true),
            HandOffAnswer::Unknown => ("unknown", true),
        };
        let attributes = vec![
            KeyValue::new("outbound.outcome", outcome),
            KeyValue::new("outbound.lease_id", hand_off.lease.to_string()),
            KeyValue::new("outbound.attempt", i64::from(hand_off.message.attempt)),
        ];
        let span = self.traces.span("hand-off", SpanKind::Client, started.elapsed());
        self.traces.record(Span { id, parent: Some(trace.first_span()), attributes, failed, ..span }, trace);
        answer
    }
}
