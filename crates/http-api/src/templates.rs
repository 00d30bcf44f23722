//! `/api/outbound/templates`.

pub(crate) mod list;
