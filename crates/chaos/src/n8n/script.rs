//! What N8N does with a hand-off: by chance, but by the same chance for the same seed, message, attempt and repeat.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::log::{Reply, Via, Word};

/// How N8N behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As a busy N8N does, with all its oddities.
    Normal,
    /// Takes everything and calls back soon: for the end.
    Calm,
    /// 503.
    Unavailable,
    /// 429 with `Retry-After`.
    TooMany {
        /// In seconds.
        retry_after: u64,
    },
    /// 504, though it may have the message.
    GatewayTimeout,
    /// Never answers.
    Hang,
    /// Answers late, or too late.
    Slow {
        /// By how many milliseconds.
        millis: u64,
    },
    /// Closes the connection instead of answering.
    Close,
    /// Takes everything and says nothing any more.
    Silent,
}

/// What comes back to the server about one hand-off.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// The answer.
    pub reply: Reply,
    /// `Retry-After`.
    pub retry_after: Option<u64>,
    /// How long the answer takes.
    pub delay: Duration,
    /// What N8N says later.
    pub callbacks: Vec<Callback>,
}

/// One callback to come.
#[derive(Debug, Clone, Copy)]
pub struct Callback {
    /// What it says.
    pub word: Word,
    /// How long after the hand-off.
    pub after: Duration,
    /// Whether the answer waits for it.
    pub overtakes: bool,
    /// Whether it names its attempt and its lease.
    pub names: Names,
    /// Whether it goes in an array with others.
    pub batched: bool,
    /// To how many servers at once.
    pub copies: usize,
}

/// What a callback says it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Attempt and lease.
    Both,
    /// The attempt.
    Attempt,
    /// The message alone. Only where it can't be mistaken for news about a later attempt.
    Nothing,
}

/// What decides over an N8N's behaviour.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// The chance.
    pub seed: u64,
    /// A callback that comes after this time comes too late.
    pub late: Duration,
}

/// The chance of one hand-off.
struct Chance<'a> {
    rng: &'a mut StdRng,
    late: Duration,
}

impl Chance<'_> {
    fn up_to(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn some(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..to))
    }
}

/// What N8N does with the nth hand-off of this key.
pub fn react(script: &Script, key: &str, times: u64, via: Via, mode: Mode) -> Reaction {
    let mut hasher = DefaultHasher::new();
    (script.seed, key, times).hash(&mut hasher);
    let mut rng = StdRng::seed_from_u64(hasher.finish());
    let rng = &mut Chance { rng: &mut rng, late: script.late };
    if via == Via::Pull {
        let callbacks = if mode == Mode::Silent { Vec::new() } else { outcome(rng, mode) };
        return Reaction { reply: Reply::Accepted, retry_after: None, delay: Duration::ZERO, callbacks };
    }
    match mode {
        Mode::Normal => normal(rng),
        Mode::Calm => answered(Reply::Accepted, vec![soon(rng, Word::Sent)]),
        Mode::Unavailable => answered(Reply::NotAccepted(503), Vec::new()),
        Mode::TooMany { retry_after } => {
            Reaction { retry_after: Some(retry_after), ..answered(Reply::NotAccepted(429), Vec::new()) }
        }
        Mode::GatewayTimeout => answered(Reply::GatewayTimeout, doubtful(rng)),
        Mode::Hang => answered(Reply::Hung, doubtful(rng)),
        Mode::Close => answered(Reply::Closed, doubtful(rng)),
        Mode::Slow { millis } => {
            let delay = rng.some(millis / 2, millis * 3 / 2);
            Reaction { delay, ..normal(rng) }
        }
        Mode::Silent => answered(Reply::Accepted, Vec::new()),
    }
}

fn answered(reply: Reply, callbacks: Vec<Callback>) -> Reaction {
    Reaction { reply, retry_after: None, delay: Duration::ZERO, callbacks }
}

fn normal(rng: &mut Chance<'_>) -> Reaction {
    let delay = match rng.up_to(10) {
        0..5 => rng.some(0, 60),
        5..9 => rng.some(60, 900),
        _ => rng.some(900, 1_800),
    };
    let reaction = match rng.up_to(1_000) {
        0..15 => answered(Reply::NotAccepted([404, 408, 425, 500, 502, 503][rng.up_to(6)]), Vec::new()),
        15..30 => answered(Reply::Refused([400, 401, 403, 422][rng.up_to(4)]), Vec::new()),
        30..36 => answered(Reply::Hung, doubtful(rng)),
        36..42 => answered(Reply::Closed, doubtful(rng)),
        42..46 => answered(Reply::GatewayTimeout, doubtful(rng)),
        46..66 => answered(Reply::Settled(Word::Sent), Vec::new()),
        66..76 => answered(Reply::Settled(Word::Failed { permanent: false }), Vec::new()),
        76..80 => answered(Reply::Settled(Word::Skipped), Vec::new()),
        _ => answered(Reply::Accepted, outcome(rng, Mode::Normal)),
    };
    Reaction { delay, ..reaction }
}

/// What N8N says about a message that it took.
fn outcome(rng: &mut Chance<'_>, mode: Mode) -> Vec<Callback> {
    if mode == Mode::Calm {
        return vec![soon(rng, Word::Sent)];
    }
    let failed = Word::Failed { permanent: false };
    match rng.up_to(1_000) {
        0..60 => vec![Callback { overtakes: true, ..soon(rng, Word::Sent) }],
        60..70 => vec![Callback { overtakes: true, ..soon(rng, failed) }],
        // Twice, one after the other or to two servers at the same moment.
        70..110 => vec![soon(rng, Word::Sent), soon(rng, Word::Sent)],
        110..140 => vec![Callback { copies: 2, ..soon(rng, Word::Sent) }],
        140..160 => vec![Callback { copies: 3, ..soon(rng, failed) }],
        // After it was given up.
        160..185 => vec![late(rng, Word::Sent)],
        185..195 => vec![late(rng, failed)],
        195..215 => Vec::new(),
        215..290 => vec![soon(rng, failed)],
        290..300 => vec![soon(rng, Word::Failed { permanent: true })],
        300..320 => vec![soon(rng, Word::Skipped)],
        // Out of order: an old failure comes again while the next attempt may be under way.
        320..340 => vec![soon(rng, failed), Callback { after: rng.some(3_000, 9_000), ..soon(rng, failed) }],
        // It contradicts itself; SENT wins.
        340..350 => {
            vec![soon(rng, Word::Sent), Callback { after: rng.some(1_000, 4_000), ..soon(rng, failed) }]
        }
        350..360 => {
            vec![soon(rng, failed), Callback { after: rng.some(1_000, 6_000), ..soon(rng, Word::Sent) }]
        }
        360..365 => vec![soon(rng, Word::Sent), soon(rng, Word::Skipped)],
        365..480 => vec![Callback { batched: true, ..soon(rng, Word::Sent) }],
        480..500 => vec![Callback { batched: true, ..soon(rng, failed) }],
        500..560 => vec![Callback { names: Names::Nothing, ..soon(rng, Word::Sent) }],
        _ => vec![soon(rng, Word::Sent)],
    }
}

/// What N8N says where the server could not know whether it took the message.
fn doubtful(rng: &mut Chance<'_>) -> Vec<Callback> {
    let after = rng.some(0, 5_000);
    match rng.up_to(10) {
        0..5 => vec![Callback { after, ..soon(rng, Word::Sent) }],
        5..7 => vec![Callback { after, ..soon(rng, Word::Failed { permanent: false }) }],
        7..8 => vec![late(rng, Word::Sent)],
        _ => Vec::new(),
    }
}

fn soon(rng: &mut Chance<'_>, word: Word) -> Callback {
    let names = if rng.up_to(10) < 8 { Names::Both } else { Names::Attempt };
    let after = rng.some(0, 800);
    Callback { word, after, overtakes: false, names, batched: false, copies: 1 }
}

fn late(rng: &mut Chance<'_>, word: Word) -> Callback {
    let after = rng.late + rng.some(500, 8_000);
    Callback { after, ..soon(rng, word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Script = Script { seed: 7, late: Duration::from_secs(20) };

    #[test]
    fn the_same_hand_off_meets_the_same_fate_and_others_meet_others() {
        let fate = |key: &str, times| format!("{:?}", react(&SCRIPT, key, times, Via::Push, Mode::Normal));
        assert_eq!(fate("m:1", 0), fate("m:1", 0));
        let fates: std::collections::HashSet<_> = (0..50).map(|n| fate(&format!("m{n}:1"), 0)).collect();
        assert!(fates.len() > 40, "{}", fates.len());
    }

    #[test]
    fn a_failure_always_names_its_attempt() {
        for n in 0..20_000 {
            let reaction = react(&SCRIPT, &format!("m{n}:1"), 0, Via::Push, Mode::Normal);
            let anonymous =
                |callback: &Callback| callback.names == Names::Nothing && callback.word != Word::Sent;
            assert!(!reaction.callbacks.iter().any(anonymous));
        }
    }
}
