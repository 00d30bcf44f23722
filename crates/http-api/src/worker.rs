//! Runs of the worker: `/api/worker/outbound`.

pub(crate) mod dispatch;
pub(crate) mod heartbeat;
mod parcel;
pub(crate) mod report;
pub(crate) mod run;
