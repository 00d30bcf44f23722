//! `/api/outbound/messages`.

pub(crate) mod create;
pub(crate) mod problems;

pub(crate) use self::create::create;
