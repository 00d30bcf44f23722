//! A meter that notes what it is told.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::message::Outcome;
use http_api::{Answered, CallbackResult, Meter};

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct NotingMeter(Mutex<Vec<String>>);

impl NotingMeter {
    /// What was noted since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

#[async_trait]
impl Meter for NotingMeter {
    fn answered(&self, request: &Answered<'_>) {
        self.note(format!("{} {} {}", request.method, request.route, request.status));
    }

    fn called_back(&self, outcome: Option<&Outcome>, result: CallbackResult) {
        let outcome = match outcome {
            Some(Outcome::Sent { .. }) => "SENT",
            Some(Outcome::Failed { .. }) => "FAILED",
            Some(Outcome::Skipped { .. }) => "SKIPPED",
            None => "unreadable",
        };
        self.note(format!("{outcome} {result:?}"));
    }

    async fn exposition(&self) -> String {
        "up 1\n".to_owned()
    }
}
