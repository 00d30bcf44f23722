//! `/api/outbound/messages`.

mod advise;
pub(crate) mod bulk;
pub(crate) mod cancel;
pub(crate) mod cancel_many;
pub(crate) mod create;
mod dry_run;
pub(crate) mod get;
pub(crate) mod list;
mod manage;
mod notice;
pub(crate) mod problems;
pub(crate) mod recipients;
pub(crate) mod requeue;
pub(crate) mod requeue_many;
mod shared;
