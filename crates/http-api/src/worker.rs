//! Runs of the worker: `/api/worker/outbound`.

mod parcel;
mod report;
pub(crate) mod run;
