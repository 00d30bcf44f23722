//! What a scripted N8N does with one hand-off.

use std::time::Duration;

use serde_json::{Value, json};

/// How a hand-off is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// By HTTP.
    Reply {
        /// The status code.
        status: u16,
        /// Headers besides those that every answer has.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Never; the connection stays open.
    Hang,
    /// The connection is closed without an answer.
    Close,
}

/// What becomes of one hand-off: its answer, and the callbacks that follow.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// The answer.
    pub answer: Answer,
    /// How long the answer takes.
    pub after: Duration,
    /// The callbacks, each on its own time.
    pub callbacks: Vec<CallbackPlan>,
}

impl Reaction {
    /// 200, as a webhook that responds at once.
    pub fn accepted() -> Self {
        Self::settled(&json!({"message": "Workflow was started"}))
    }

    /// 200 with this JSON, such as an outcome, as a webhook that responds when its last node is done.
    pub fn settled(body: &Value) -> Self {
        Self::status(200).header("content-type", "application/json; charset=utf-8").body(body.to_string())
    }

    /// This status without a body.
    pub const fn status(status: u16) -> Self {
        Self::with(Answer::Reply { status, headers: Vec::new(), body: String::new() })
    }

    /// 503.
    pub const fn unavailable() -> Self {
        Self::status(503)
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after: &str) -> Self {
        Self::status(429).header("retry-after", retry_after)
    }

    /// 307 to another address.
    pub fn redirect(to: &str) -> Self {
        Self::status(307).header("location", to)
    }

    /// No answer, while the connection stays open.
    pub const fn hang() -> Self {
        Self::with(Answer::Hang)
    }

    /// No answer, and the connection is closed.
    pub const fn close() -> Self {
        Self::with(Answer::Close)
    }

    const fn with(answer: Answer) -> Self {
        Self { answer, after: Duration::ZERO, callbacks: Vec::new() }
    }

    /// The same with one more header, where there is an answer by HTTP.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Answer::Reply { headers, .. } = &mut self.answer {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same with this body, where there is an answer by HTTP.
    #[must_use]
    pub fn body(mut self, text: impl Into<String>) -> Self {
        if let Answer::Reply { body, .. } = &mut self.answer {
            *body = text.into();
        }
        self
    }

    /// The same after some time.
    #[must_use]
    pub const fn slowly(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// The same with one more callback.
    #[must_use]
    pub fn then(mut self, callback: CallbackPlan) -> Self {
        self.callbacks.push(callback);
        self
    }
}

/// Which attempt and lease a callback says it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// Those of the hand-off.
    Its,
    /// It says nothing about them.
    None,
    /// Others, such as those of an earlier hand-off.
    Others {
        /// The attempt.
        attempt: u64,
        /// The lease.
        lease_id: Option<String>,
    },
}

/// One callback to come.
#[derive(Debug, Clone)]
pub struct CallbackPlan {
    /// Its fields besides messageId, attempt and leaseId.
    pub fields: Value,
    /// How long after the answer it comes; of one that overtakes, after the hand-off.
    pub after: Duration,
    /// Whether the answer waits until this callback has been answered.
    pub overtakes: bool,
    /// What it says it is about.
    pub naming: Naming,
    /// How often it comes, one after the other.
    pub times: u32,
    /// Whether it goes in an array, with all others that wait by then.
    pub batched: bool,
}

impl CallbackPlan {
    /// SENT, with a provider id made from the message's.
    pub fn sent() -> Self {
        Self::with(json!({"status": "SENT"}))
    }

    /// FAILED.
    pub fn failed(error: &str) -> Self {
        Self::with(json!({"status": "FAILED", "error": error}))
    }

    /// FAILED and permanent.
    pub fn failed_for_good(error: &str) -> Self {
        Self::with(json!({"status": "FAILED", "error": error, "permanent": true}))
    }

    /// SKIPPED.
    pub fn skipped(reason: &str) -> Self {
        Self::with(json!({"status": "SKIPPED", "error": reason}))
    }

    /// These fields besides messageId, attempt and leaseId, right or wrong.
    pub const fn with(fields: Value) -> Self {
        Self {
            fields,
            after: Duration::ZERO,
            overtakes: false,
            naming: Naming::Its,
            times: 1,
            batched: false,
        }
    }

    /// The same after some time.
    #[must_use]
    pub const fn late(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// The same before the hand-off is answered.
    #[must_use]
    pub const fn overtaking(mut self) -> Self {
        self.overtakes = true;
        self
    }

    /// The same two times.
    #[must_use]
    pub const fn twice(mut self) -> Self {
        self.times = 2;
        self
    }

    /// The same without attempt and leaseId.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.naming = Naming::None;
        self
    }

    /// The same about another attempt and lease.
    #[must_use]
    pub fn about(mut self, attempt: u64, lease_id: Option<String>) -> Self {
        self.naming = Naming::Others { attempt, lease_id };
        self
    }

    /// The same in an array with others.
    #[must_use]
    pub const fn batched(mut self) -> Self {
        self.batched = true;
        self
    }
}
