//! The pages of Outbound, at `/outbound`, for telesales, managers and admins.
//!
//! Made on the server and whole without JavaScript; the small modules in `assets/` add what needs a browser:
//! live rows, the keyboard, previews while one types. Nothing is loaded from elsewhere, and the policy of each page
//! (`around`) allows no inline script or style.
//!
//! A handler takes its rights as a parameter (`visit::May`, `visit::Posted`), runs a use case of `domain` within
//! the caller's scope, and shows a template of `templates/`. Wording lives in `present` and beside the markup, both
//! languages side by side.

mod around;
mod assets;
mod background;
mod bulk;
mod compose;
mod csrf;
mod error;
mod flash;
mod form;
mod frame;
mod jobs;
mod lang;
mod matching;
mod message;
mod overview;
mod pages;
mod present;
mod queue;
mod routes;
mod run;
mod sign_in;
mod templates;
mod visit;
mod worker;

pub use background::Background;
pub use pages::{DemoLogin, Export, Pages, TokenError, TokenVerifier, Workflows};
pub use routes::configure;
