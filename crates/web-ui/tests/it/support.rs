//! [`Site`]: the pages on a free port over a queue in memory; [`Browser`]: Chromium with an empty profile.

mod browser;
mod driver;
mod site;
mod world;

pub use browser::Browser;
pub use site::{Condition, Site, Token};
