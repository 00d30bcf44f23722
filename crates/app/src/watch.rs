//! What the database's side tells: counted, timed, traced and logged.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::LeaseId;
use domain::message::Message;
use storage_pg::Observer;

use crate::metrics::Metrics;
use crate::traces::Traces;

/// Passes on what the store does.
pub struct Watch {
    /// Counts and times.
    pub metrics: Arc<Metrics>,
    /// Traces, where somebody wants them.
    pub traces: Option<Arc<Traces>>,
}

impl Observer for Watch {
    fn inserted(&self, messages: &[Message], took: Duration) {
        if let Some(traces) = &self.traces {
            traces.inserted(messages, took);
        }
    }

    fn leased(&self, lease: LeaseId, messages: &[Message], took: Duration) {
        self.metrics.leased(messages.len(), took);
        if messages.is_empty() {
            return;
        }
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(lease_id = %lease, messages = messages.len(), ms, "messages leased");
        if let Some(traces) = &self.traces {
            traces.leased(lease, messages, took);
        }
    }
}
