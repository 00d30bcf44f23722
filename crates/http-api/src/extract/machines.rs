//! Endpoints that machines share with people, or with each other.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::access::{Permission, Scope};
use domain::actor::Actor;
use domain::job::JobEntry;
use domain::ports::JobView;
use futures_util::future::LocalBoxFuture;

use super::{JobsView, May, api};
use crate::error::ApiError;

/// Whoever may read jobs: the holder of the service token all of them, a user with the permission those in scope.
pub(crate) struct JobsReader {
    /// The jobs that they see.
    pub(crate) scope: Scope,
    /// Whether they may read messages too, and so what might quote one.
    reads_messages: bool,
}

impl JobsReader {
    /// The job as they may see it.
    pub(crate) fn seen(&self, view: JobView) -> JobView {
        if self.reads_messages { view } else { JobView { job: view.job.withheld(), ..view } }
    }

    /// The line of its history as they may see it.
    pub(crate) fn seen_line(&self, line: JobEntry) -> JobEntry {
        if self.reads_messages { line } else { line.withheld() }
    }
}

impl FromRequest for JobsReader {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let service = api(request).and_then(|api| api.gate.service_token(request));
        let user = May::<JobsView>::from_request(request, payload);
        Box::pin(async move {
            if service? {
                return Ok(Self { scope: Scope::everything(), reads_messages: true });
            }
            let caller = user.await?.caller;
            Ok(Self { scope: caller.scope(), reads_messages: caller.role.may(Permission::MessagingView) })
        })
    }
}

/// Whoever may move jobs: the holder of the service token or of the callback secret.
pub(crate) struct JobsMover(pub(crate) Actor);

impl FromRequest for JobsMover {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(mover(request).map(Self))
    }
}

fn mover(request: &HttpRequest) -> Result<Actor, ApiError> {
    let gate = &api(request)?.gate;
    if gate.service_token(request)? {
        Ok(Actor::Service)
    } else if gate.callback(request)? {
        Ok(Actor::N8n)
    } else {
        Err(ApiError::MissingServiceToken)
    }
}
