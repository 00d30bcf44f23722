//! What arrives singly but at once, done together: see [`group_commit`].

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use domain::access::Caller;
use domain::ids::MessageId;
use domain::message::Callback;
use domain::ports::StoreError;
use domain::usecase::create::{Batch, CreateCommand, CreateError, create};
use domain::usecase::record_callbacks::{Recorded, record_callbacks};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use group_commit::{GroupCommit, Lanes, Together};
use tokio::sync::oneshot;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument as _, Span};

use crate::api::Api;
use crate::background::Background;
use crate::tracer::{self, RequestSpan};

/// While one batch is at work the other is read and answered.
const LANES: Lanes = Lanes { count: 2, spare: 2, most: 100, gathers: true };

/// The queues in front of the use cases.
pub(crate) struct AtOnce {
    callbacks: GroupCommit<Recordings>,
    commands: GroupCommit<Creations>,
    background: Background,
}

impl AtOnce {
    /// Empty queues, whose batches run where the background work does.
    pub(crate) fn new(api: &Api) -> Self {
        let background = api.background.clone();
        let runtime = background.runtime();
        Self {
            callbacks: GroupCommit::new(Recordings { api: api.clone() }, LANES, runtime.clone()),
            commands: GroupCommit::new(Creations { api: api.clone() }, LANES, runtime),
            background,
        }
    }

    /// Records one callback, also when its sender hangs up; the server does not end before.
    pub(crate) async fn record(&self, id: MessageId, callback: Callback) -> Result<Recorded, StoreError> {
        let recording = Recording { callback: (id, callback), _token: self.background.token() };
        Ok(self.callbacks.submit(recording).await?.1)
    }

    /// Carries one command out.
    pub(crate) async fn create(&self, caller: Caller, command: CreateCommand) -> Result<Batch, CreateError> {
        let (answer, mut answered) = oneshot::channel();
        let creation = Creation {
            caller,
            command,
            request: RequestSpan::current(),
            span: Span::current(),
            answer: Mutex::new(Some(answer)),
        };
        tokio::select! {
            biased;
            // Its own answer, which comes before that of the whole batch.
            Ok(done) = &mut answered => done,
            whole = self.commands.submit(creation) => match answered.try_recv() {
                Ok(done) => done,
                Err(_) => Err(whole.err().unwrap_or_else(unanswered).into()),
            },
        }
    }
}

fn unanswered() -> StoreError {
    StoreError::Corrupt("a command had no answer".to_owned())
}

/// Work that panicked: a bug, which would only come again.
fn broke<T>(_: T) -> StoreError {
    StoreError::Corrupt("the work broke".to_owned())
}

struct Recordings {
    api: Api,
}

struct Recording {
    callback: (MessageId, Callback),
    _token: TaskTrackerToken,
}

impl Together for Recordings {
    type Item = Recording;
    type Done = Recorded;

    /// Of two about one message the second would be recorded after all others of the batch.
    fn joins(&self, batch: &[Recording], next: &Recording) -> bool {
        batch.iter().all(|one| one.callback.0 != next.callback.0)
    }

    /// N8N may not send it again.
    fn is_done_for_nobody(&self) -> bool {
        true
    }

    async fn run(&self, batch: &[Recording]) -> Result<Vec<Recorded>, StoreError> {
        let callbacks: Vec<_> = batch.iter().map(|one| one.callback.clone()).collect();
        let deps = self.api.deps(self.api.stores());
        // What breaks it is then found, as each is tried by itself.
        AssertUnwindSafe(record_callbacks(&deps, &callbacks))
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(broke(panic)))
    }
}

struct Creations {
    api: Api,
}

struct Creation {
    caller: Caller,
    command: CreateCommand,
    request: Option<RequestSpan>,
    span: Span,
    answer: Mutex<Option<oneshot::Sender<Result<Batch, CreateError>>>>,
}

impl Creation {
    fn answer(&self, done: Result<Batch, CreateError>) {
        if let Some(answer) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = answer.send(done);
        }
    }
}

impl Together for Creations {
    type Item = Creation;
    type Done = ();

    fn joins(&self, _: &[Creation], _: &Creation) -> bool {
        true
    }

    /// Side by side: what each reads and stores is brought together by the store. Each is answered when it is done, and
    /// one that breaks breaks alone.
    async fn run(&self, batch: &[Creation]) -> Result<Vec<()>, StoreError> {
        let deps = self.api.deps(self.api.stores());
        let each = batch.iter().map(|creation| {
            let Creation { caller, command, request, span, answer: _ } = creation;
            let work = tracer::within(*request, create(&deps, caller, command)).instrument(span.clone());
            let safe = AssertUnwindSafe(work).catch_unwind();
            async move { creation.answer(safe.await.unwrap_or_else(|panic| Err(broke(panic).into()))) }
        });
        Ok(join_all(each).await)
    }
}
