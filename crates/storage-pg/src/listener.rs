//! Hearing that something may be due.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use domain::ports::StoreError;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::error::of_statement;
use crate::pool;
use crate::tls::Target;
use crate::wake::CHANNEL;

/// The wait before the connection is made anew; it doubles up to the last.
const RECONNECT: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// A connection that does nothing but listen, made anew whenever it breaks.
///
/// Register before you look: a wake-up that comes between looking and [`Listener::woken`] is kept. Several that come
/// together are one. After a reconnect there is a wake-up too, for what was missed.
pub struct Listener {
    notify: Arc<Notify>,
    task: AbortHandle,
}

impl Listener {
    /// Listens from now on. The first connection must succeed.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        let first = listen(&target).await?;
        let notify = Arc::new(Notify::new());
        let task = tokio::spawn(run(target, first, Arc::clone(&notify))).abort_handle();
        Ok(Self { notify, task })
    }

    /// Waits for the next wake-up; one that came since the last call counts.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(target: &Target) -> Result<diesel_async::AsyncPgConnection, StoreError> {
    let mut connection = pool::open(target).await?;
    connection.batch_execute(&format!("listen {CHANNEL}")).await.map_err(of_statement)?;
    Ok(connection)
}

async fn run(target: Target, first: diesel_async::AsyncPgConnection, notify: Arc<Notify>) {
    let mut connection = first;
    loop {
        {
            let mut heard = std::pin::pin!(connection.notifications_stream());
            while let Some(Ok(_)) = heard.next().await {
                notify.notify_one();
            }
        }
        tracing::warn!("the connection that listens for due messages broke; polling goes on meanwhile");
        connection = reconnect(&target).await;
        notify.notify_one();
    }
}

async fn reconnect(target: &Target) -> diesel_async::AsyncPgConnection {
    let [mut wait, longest] = RECONNECT;
    loop {
        match listen(target).await {
            Ok(connection) => return connection,
            Err(error) => tracing::debug!(%error, "can't listen yet"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(longest);
    }
}
