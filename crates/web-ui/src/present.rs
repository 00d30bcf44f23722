//! How the domain's words look on a page: wording, shapes and colours, in both languages.

pub(crate) mod choice;
pub(crate) mod circuit;
pub(crate) mod held;
pub(crate) mod job;
pub(crate) mod names;
pub(crate) mod people;
pub(crate) mod problem;
pub(crate) mod sms;
pub(crate) mod status;
pub(crate) mod time;
pub(crate) mod told;
