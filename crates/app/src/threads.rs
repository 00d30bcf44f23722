//! How many threads the server works with.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// Threads for HTTP, and as many for all else: half of the processors, and at least one.
///
/// The other half is PostgreSQL's, or the other threads'. What few threads do is handed from one to the other, and
/// woken for, less often than what many do: on two processors a callback costs a fourth less with one of each than with
/// two.
pub(crate) fn threads() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(2)
}
