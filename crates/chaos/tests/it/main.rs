//! A short run against the real server.
// `cfg(test)` tells clippy that the helpers in these files may unwrap, as the tests themselves may.
#[cfg(test)]
mod short_run;
