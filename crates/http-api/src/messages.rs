//! `/api/outbound/messages`.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod problems;
pub(crate) mod recipients;
