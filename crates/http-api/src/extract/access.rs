//! Permission as a parameter type.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::access::{Caller, Permission};
use futures_util::future::LocalBoxFuture;

use super::api;
use crate::error::ApiError;

/// What a handler asks of its caller.
pub(crate) trait Needs: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident,)+) => {$(
        #[doc = concat!("See [`Permission::", stringify!($name), "`].")]
        pub(crate) struct $name;
        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

needs! { MessagingView, MessagingCreate, MessagingUpdate, MessagingRun, JobsView, JobsCreate, AuditView, }

/// A caller with a valid token and this permission.
pub(crate) struct May<P> {
    /// Who it is.
    pub(crate) caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Needs> FromRequest for May<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let api = api(&request)?;
            let caller = api.gate.caller(&request, api.clock.now()).await?;
            if caller.role.may(P::PERMISSION) {
                Ok(Self { caller, permission: PhantomData })
            } else {
                let message = format!("the role {} does not have {}", caller.role, P::PERMISSION);
                Err(ApiError::Forbidden(message.into()))
            }
        })
    }
}

/// The holder of the worker secret.
pub(crate) struct WorkerSecret;

impl FromRequest for WorkerSecret {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(api(request).and_then(|api| api.gate.worker(request)).map(|()| Self))
    }
}

/// The holder of the service token.
pub(crate) struct ServiceToken;

impl FromRequest for ServiceToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(api(request).and_then(|api| api.gate.service(request)).map(|()| Self))
    }
}
