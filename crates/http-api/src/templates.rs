//! `/api/outbound/templates`.

pub(crate) mod create;
pub(crate) mod delete;
mod key;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod update;
