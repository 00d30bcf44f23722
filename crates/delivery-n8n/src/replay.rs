//! The requests that were signed and have come before.
//!
//! A signed callback that somebody recorded could be sent again as long as its time counts. What it says is known by
//! then and changes nothing, but for a FAILED or SKIPPED that names no attempt: it would hit the next one. So such a
//! one counts while its time lies close to now ([`is_fresh`]): [`REPEAT_SECONDS`] in all, whichever clock is ahead, which
//! is shorter than the first wait for a retry and holds in every process, after a restart too. Any other counts for as
//! long from when it is first seen here: long enough for N8N, which repeats what got no good answer within seconds.
//! Whoever knows the secret signs anew and is let in.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::ports::WebhookHeaders;
use sha2::{Digest as _, Sha256};

use crate::signature::TOLERANCE_SECONDS;

/// How long a request is taken, in seconds: one that names no attempt by its time, any other from when it first came.
pub const REPEAT_SECONDS: i64 = 60;
/// So far N8N's clock may be ahead for one that names no attempt. The seconds come off its age: a request from the
/// future would count for longer than the others.
const AHEAD_SECONDS: i64 = 10;
/// How many requests are remembered; beyond, the oldest are forgotten, and only their time keeps them out.
const CAPACITY: usize = 100_000;
/// A time may be as far in the future as in the past, so that a request may count for twice that.
const REMEMBERED_SECONDS: i64 = 2 * TOLERANCE_SECONDS;

type Digest = [u8; 32];

/// Whether a request was signed just now, by a clock that is about right. From first to last that is
/// [`REPEAT_SECONDS`] for any request.
pub(crate) fn is_fresh(headers: &WebhookHeaders<'_>, now: DateTime<Utc>) -> bool {
    let signed: Option<i64> = headers.timestamp.parse().ok();
    let age = signed.map(|signed| now.timestamp().saturating_sub(signed));
    age.is_some_and(|age| (-AHEAD_SECONDS..=REPEAT_SECONDS - AHEAD_SECONDS).contains(&age))
}

/// What came, and when first. In this process's memory alone.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Requests>);

#[derive(Debug, Default)]
struct Requests {
    first: HashMap<Digest, i64>,
    in_order: VecDeque<(i64, Digest)>,
}

impl Seen {
    /// Whether a request with a right signature may pass at this time. To be asked once its signature was checked, or
    /// anybody could fill the memory.
    pub(crate) fn lets_in(&self, id: &str, timestamp: &str, body: &[u8], now: i64) -> bool {
        let digest = digest(id, timestamp, body);
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.forget_before(now - REMEMBERED_SECONDS);
        if let Some(first) = requests.first.get(&digest) {
            return now - first <= REPEAT_SECONDS;
        }
        requests.remember(digest, now);
        true
    }
}

impl Requests {
    fn forget_before(&mut self, time: i64) {
        while self.in_order.front().is_some_and(|(first, _)| *first < time) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, digest)) = self.in_order.pop_front() {
            self.first.remove(&digest);
        }
    }

    fn remember(&mut self, digest: Digest, now: i64) {
        if self.in_order.len() >= CAPACITY {
            self.forget_oldest();
        }
        self.first.insert(digest, now);
        self.in_order.push_back((now, digest));
    }
}

/// Of what is signed. The signature itself would not do: a header may hold several, in any order.
fn digest(id: &str, timestamp: &str, body: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_passes_for_a_short_while_and_others_do_not_care() {
        let seen = Seen::default();
        assert!(seen.lets_in("a", "1", b"{}", 1_000));
        assert!(seen.lets_in("a", "1", b"{}", 1_000 + REPEAT_SECONDS));
        assert!(!seen.lets_in("a", "1", b"{}", 1_001 + REPEAT_SECONDS));
        for (id, timestamp, body) in [("b", "1", "{}"), ("a", "2", "{}"), ("a", "1", "[]")] {
            assert!(seen.lets_in(id, timestamp, body.as_bytes(), 1_001 + REPEAT_SECONDS));
        }
    }

    #[test]
    fn none_is_fresh_for_longer_than_it_may_be_repeated_however_wrong_its_clock() {
        for signed in -100..=100 {
            let timestamp = signed.to_string();
            let headers = WebhookHeaders { id: "m1", timestamp: &timestamp, signature: "" };
            let fresh = |now: &i64| is_fresh(&headers, DateTime::from_timestamp(*now, 0).unwrap());
            let times: Vec<i64> = (-300..=300).filter(fresh).collect();
            let (first, last) = (times.first().unwrap(), times.last().unwrap());
            assert_eq!(last - first, REPEAT_SECONDS, "signed at {signed}");
            assert!(times.contains(&(signed - 10)) && times.contains(&(signed + 50)), "{times:?}");
        }
    }

    #[test]
    fn it_stays_out_for_as_long_as_its_time_could_count() {
        let seen = Seen::default();
        seen.lets_in("a", "1", b"{}", 0);
        assert!(!seen.lets_in("a", "1", b"{}", REMEMBERED_SECONDS));
        seen.lets_in("b", "1", b"{}", REMEMBERED_SECONDS + 1);
        assert_eq!(seen.0.lock().unwrap().first.len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let seen = Seen::default();
        for number in 0..=CAPACITY {
            seen.lets_in(&number.to_string(), "1", b"", 0);
        }
        let requests = seen.0.lock().unwrap();
        assert_eq!((requests.first.len(), requests.in_order.len()), (CAPACITY, CAPACITY));
        assert!(!requests.first.contains_key(&digest("0", "1", b"")));
        assert!(requests.first.contains_key(&digest(&CAPACITY.to_string(), "1", b"")));
    }
}
