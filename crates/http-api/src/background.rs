//! Work that goes on when its client hangs up.
//!
//! actix drops a handler whose client is gone. A run of the worker must not end so: what it has handed off would not
//! be saved, and would be sent again.

use std::future::Future;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

use crate::error::ApiError;
use crate::tracer::{self, RequestSpan};

/// Runs work on the server's own runtime rather than on the connection's.
#[derive(Debug, Clone)]
pub struct Background {
    runtime: Handle,
    tasks: TaskTracker,
}

impl Background {
    /// Work runs on `runtime` and is counted by `tasks`: at the end close the tracker and wait for it.
    pub fn new(runtime: Handle, tasks: TaskTracker) -> Self {
        Self { runtime, tasks }
    }

    /// Where it runs.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// What the server waits for at its end, until it is dropped.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tasks.token()
    }

    /// Runs the work to its end and answers what it answers; whoever waits may go away.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        match self
            .tasks
            .spawn_on(tracer::within(RequestSpan::current(), work.in_current_span()), &self.runtime)
            .await
        {
            Ok(done) => done,
            Err(error) => Err(ApiError::Internal(format!("background work ended early: {error}"))),
        }
    }
}
