//! Work that goes on when its visitor closes the page: what a run has handed off must be saved.

use std::future::Future;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::error::PageError;

/// Runs work on the server's own runtime rather than on the connection's.
#[derive(Debug, Clone)]
pub struct Background {
    runtime: Handle,
    tasks: TaskTracker,
}

impl Background {
    /// Work runs on `runtime` and is counted by `tasks`: at the end close the tracker and wait for it.
    pub const fn new(runtime: Handle, tasks: TaskTracker) -> Self {
        Self { runtime, tasks }
    }

    /// Runs the work to its end and answers what it answers.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, PageError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, PageError>> + Send + 'static,
    {
        match self.tasks.spawn_on(work.in_current_span(), &self.runtime).await {
            Ok(done) => done,
            Err(error) => Err(PageError::Internal(format!("background work ended early: {error}"))),
        }
    }
}
