//! The pages in a real browser: headless Chromium, driven by the WebDriver protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod bulk;
mod compose;
mod dispatch;
mod jobs;
mod live;
mod message;
mod overview;
mod queue;
mod screenshots;
mod signing_in;
mod simulated;
mod soundness;
mod support;
mod templates;
