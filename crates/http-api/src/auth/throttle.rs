//! Answers those who guess secrets shortly, and those who ask too often. A right secret is never taken for a guess: N8N
//! and whoever guesses may share an address. So this keeps nobody from guessing right; that is the secrets' length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::ApiError;

/// Wrong secrets from one address, at once and in a minute, before it must wait.
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// From so many keys on, those that have been quiet for long are forgotten at each further one.
const MANY: usize = 10_000;

/// Wrong secrets by address.
pub(super) struct Throttle {
    wrong: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self { wrong: RateLimiter::keyed(Quota::per_minute(WRONG_PER_MINUTE)) }
    }

    /// Counts a wrong secret.
    pub(super) fn wrong(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), whose);
        if self.wrong.len() >= MANY {
            self.wrong.retain_recent();
        }
        self.wrong.check_key(&address).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            ApiError::RateLimited(wait.as_secs().saturating_add(1))
        })
    }
}

/// Requests by caller.
pub(super) struct Pace {
    callers: DefaultKeyedRateLimiter<String>,
    limit: NonZeroU32,
}

impl Pace {
    /// So many in a second, and as many at once after a quiet second.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self { callers: RateLimiter::keyed(Quota::per_second(limit)), limit }
    }

    /// Counts a request; how many seconds to wait where it is one too many.
    pub(super) fn check(&self, caller: &str) -> Result<(), ApiError> {
        if self.callers.len() >= MANY {
            self.callers.retain_recent();
        }
        self.callers.check_key(&caller.to_owned()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            ApiError::TooFast { wait: wait.as_secs().saturating_add(1), limit: self.limit }
        })
    }
}

/// One guesser's addresses: the /64 net of an IPv6 address, as one customer has all of it.
fn whose(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_wrong_secret_of_an_address_has_to_wait_and_others_do_not() {
        let throttle = Throttle::new();
        let guesser = Some("2001:db8::1".parse().unwrap());
        for _ in 0..10 {
            assert!(throttle.wrong(guesser).is_ok());
        }
        let neighbour = Some("2001:db8::2".parse().unwrap());
        assert!(matches!(throttle.wrong(neighbour), Err(ApiError::RateLimited(1..=7))));
        assert!(throttle.wrong(Some("2001:db8:0:1::1".parse().unwrap())).is_ok());
        assert!(throttle.wrong(Some("192.0.2.1".parse().unwrap())).is_ok());
    }
}
