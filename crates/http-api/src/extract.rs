//! Parameter types of handlers: who calls, and what they say.

mod access;
mod body;
mod language;
mod machines;
mod path;
mod query;
mod strict;

pub(crate) use self::access::{
    AuditView, JobsCreate, JobsView, May, MessagingCreate, MessagingRun, MessagingUpdate, MessagingView,
    ServiceToken, WorkerSecret,
};
pub(crate) use self::body::{Body, Form, read};
pub(crate) use self::language::InLanguage;
pub(crate) use self::machines::{JobsMover, JobsReader};
pub(crate) use self::path::PathId;
pub(crate) use self::query::QueryOf;
pub(crate) use self::strict::Strict;

use actix_web::{HttpRequest, web};

use crate::api::Api;
use crate::error::ApiError;

/// The shared state; every route has it.
pub(crate) fn api(request: &HttpRequest) -> Result<&web::Data<Api>, ApiError> {
    request
        .app_data::<web::Data<Api>>()
        .ok_or_else(|| ApiError::Internal("the app is not configured".to_owned()))
}
