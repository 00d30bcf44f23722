//! The workflows against the API that they speak to, and the page about them against the fixtures.
// `cfg(test)` tells clippy that the helpers in these files may unwrap, as the tests themselves may.
#[cfg(test)]
mod api;
#[cfg(test)]
mod document;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod support;
#[cfg(test)]
mod ways;
