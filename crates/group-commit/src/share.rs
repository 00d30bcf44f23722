//! How many items a lane takes at a time.

use std::time::Duration;

use tokio::time::Instant;

/// After so long without a batch the next item is a lone one.
const QUIET: Duration = Duration::from_millis(5);

/// What a lane's share of those who come together is, by what was seen of them.
///
/// Who is answered comes again, perhaps: so those who are at work or wait are counted each time that a lane takes its share,
/// and the most of them fall into oblivion by an eighth each time.
#[derive(Debug)]
pub(crate) struct Share {
    together: usize,
    at_work: usize,
    seen: Instant,
}

impl Default for Share {
    fn default() -> Self {
        Self { together: 1, at_work: 0, seen: Instant::now() }
    }
}

impl Share {
    /// How many one of `lanes` is to wait for: with one lane alone half, for the others come while it is at work.
    pub(crate) fn of(&mut self, lanes: usize) -> usize {
        if self.at_work == 0 && self.seen.elapsed() > QUIET {
            self.together = 1;
        }
        self.together.div_ceil(lanes.max(2))
    }

    /// A lane takes so many, and leaves so many; whether it waited in vain for more.
    pub(crate) fn taken(&mut self, count: usize, left: usize, in_vain: bool) {
        self.at_work += count;
        let fade = if in_vain { 4 } else { 8 };
        let faded = self.together - self.together.div_ceil(fade);
        self.together = faded.max(self.at_work + left).max(1);
    }

    /// So many are done.
    pub(crate) fn done(&mut self, count: usize) {
        self.at_work -= count;
        self.seen = Instant::now();
    }
}
