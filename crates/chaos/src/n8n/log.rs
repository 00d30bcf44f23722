//! What N8N saw, did and said: the truth that the database is compared with.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::moment::Moment;

/// How a message came to N8N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The server posted it.
    Push,
    /// N8N asked for it.
    Pull,
}

/// What N8N says became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It went out.
    Sent,
    /// It did not.
    Failed {
        /// Whether a retry would be in vain.
        permanent: bool,
    },
    /// It will not.
    Skipped,
}

impl Word {
    /// As N8N writes it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::Failed { .. } => "FAILED",
            Self::Skipped => "SKIPPED",
        }
    }

    /// Whether it says that the attempt failed.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// How N8N answers a hand-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// 200.
    Accepted,
    /// 200 with the outcome.
    Settled(Word),
    /// 404, 408, 429, 500, 503: it does not have the message.
    NotAccepted(u16),
    /// 400 and the like: it will not have it.
    Refused(u16),
    /// 504: somebody on the way gave up.
    GatewayTimeout,
    /// Never.
    Hung,
    /// The connection is closed instead.
    Closed,
}

impl Reply {
    /// Whether the message may be on its way after this answer.
    pub const fn may_have_it(self) -> bool {
        !matches!(self, Self::NotAccepted(_) | Self::Refused(_))
    }
}

/// One hand-off as it arrived.
#[derive(Debug, Clone)]
pub struct HandOff {
    /// When.
    pub at: Moment,
    /// How.
    pub via: Via,
    /// `messageId`.
    pub message: String,
    /// `attempt`.
    pub attempt: u64,
    /// `leaseId`.
    pub lease: String,
    /// `Idempotency-Key`.
    pub key: String,
    /// `channel`.
    pub channel: String,
    /// What N8N answers.
    pub reply: Reply,
    /// When the answer was given; `None` when the connection was gone before.
    pub replied: Option<Moment>,
}

/// One thing that N8N says, again and again until it is answered.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message.
    pub message: String,
    /// The attempt of the hand-off.
    pub attempt: u64,
    /// The lease of the hand-off.
    pub lease: String,
    /// What it says.
    pub word: Word,
    /// When it was first tried.
    pub first_try: Option<Moment>,
    /// How it was answered.
    pub answer: Option<CallbackAnswer>,
}

/// The server's last answer to a callback.
#[derive(Debug, Clone)]
pub struct CallbackAnswer {
    /// When it came.
    pub at: Moment,
    /// Its status; in an array that of the item, as its code implies.
    pub status: u16,
    /// Whether it says that it changed the message.
    pub applied: bool,
    /// The error, if any.
    pub error: Option<String>,
}

/// Everything so far.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Hand-offs by arrival.
    pub hand_offs: Vec<HandOff>,
    /// What N8N says, by plan.
    pub said: Vec<Said>,
    /// Things that must not be, such as a hand-off with a wrong key.
    pub odd: Vec<String>,
}

/// The log of one N8N.
#[derive(Debug, Default)]
pub struct Log(Mutex<Truth>);

impl Log {
    /// Everything so far.
    pub fn truth(&self) -> Truth {
        self.lock().clone()
    }

    /// Takes a hand-off down; answers its number.
    pub fn arrived(&self, hand_off: HandOff) -> usize {
        let mut truth = self.lock();
        truth.hand_offs.push(hand_off);
        truth.hand_offs.len() - 1
    }

    /// How often this key has come before.
    pub fn times(&self, key: &str) -> u64 {
        self.lock().hand_offs.iter().rev().filter(|hand_off| hand_off.key == key).count() as u64
    }

    /// The answer to a hand-off goes out.
    pub fn replied(&self, number: usize) {
        if let Some(hand_off) = self.lock().hand_offs.get_mut(number) {
            hand_off.replied = Some(Moment::now());
        }
    }

    /// Something will be said; answers its number.
    pub fn plans(&self, said: Said) -> usize {
        let mut truth = self.lock();
        truth.said.push(said);
        truth.said.len() - 1
    }

    /// It is being tried.
    pub fn tries(&self, number: usize) {
        if let Some(said) = self.lock().said.get_mut(number) {
            said.first_try.get_or_insert_with(Moment::now);
        }
    }

    /// It was answered.
    pub fn answered(&self, number: usize, answer: CallbackAnswer) {
        if let Some(said) = self.lock().said.get_mut(number) {
            said.answer = Some(answer);
        }
    }

    /// How much is still to be said.
    pub fn pending(&self) -> usize {
        self.lock().said.iter().filter(|said| said.answer.is_none()).count()
    }

    /// Something is not as it must be.
    pub fn odd(&self, what: String) {
        self.lock().odd.push(what);
    }

    fn lock(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandOff {
    /// Reads the body of a hand-off; what is missing is empty.
    pub fn read(body: &Value, via: Via, key: String) -> Self {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        Self {
            at: Moment::now(),
            via,
            message: text("messageId"),
            attempt: body["attempt"].as_u64().unwrap_or(0),
            lease: text("leaseId"),
            key,
            channel: text("channel"),
            reply: Reply::Hung,
            replied: None,
        }
    }
}
