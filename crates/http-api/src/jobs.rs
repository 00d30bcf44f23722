//! `/api/outbound/jobs`.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
mod mask;
pub(crate) mod update;
pub(crate) mod view;
