//! The queue: whether it moves, and what waits for a person.

use chrono::TimeDelta;
use domain::access::Scope;
use domain::message::{FailureKind, Status};
use domain::policy::circuit::Permit;
use domain::ports::{Clock, Filter, ListRequest, MessageReader as _, Page, RunStore as _, StoreError};
use domain::rules::Rules;
use storage_pg::PgStore;

use super::report::Check;

const QUEUE: &str = "queue";
/// Who is due for longer has been overlooked.
const LONG_DUE: TimeDelta = TimeDelta::minutes(10);

/// What the queue's numbers say.
pub(super) async fn check(
    rules: &Rules,
    store: &PgStore,
    clock: &dyn Clock,
) -> Result<Vec<Check>, StoreError> {
    let now = clock.now();
    let stats = store.stats(&Scope::everything(), &rules.limits, now).await?;
    let waiting: u64 = stats.waiting_by_channel.values().sum();
    let mut checks = vec![match stats.oldest_due_at {
        // In quiet hours it may wait.
        Some(due) if now - due > LONG_DUE && rules.quiet_hours.status(now).closed.is_empty() => Check::warn(
            QUEUE,
            format!("{waiting} are due, the longest for {} minutes", (now - due).num_minutes()),
            "`outbound explain <ID>` tells why one waits; see that the worker runs, and its limits",
        ),
        Some(_) | None => {
            Check::ok(QUEUE, format!("{waiting} are due, {} sent in the last hour", stats.sent_last_hour))
        }
    }];
    let held =
        Filter { status: Some(Status::Failed), failure_kind: Some(FailureKind::Held), ..Filter::default() };
    let request =
        ListRequest { scope: Scope::everything(), filter: held, page: Page::Number(1), page_size: 1 };
    let held = store.list(&request).await?.total.count;
    if held > 0 {
        checks.push(Check::warn(
            QUEUE,
            format!("{held} are held: N8N took them, and never said what became of them"),
            "look into N8N's executions, then `outbound requeue --failure-kind HELD` or `outbound cancel`",
        ));
    }
    if let Permit::Refused { until } = store.circuit().await?.circuit.permit(now) {
        checks.push(Check::warn(
            QUEUE,
            format!("the circuit is open until {until}: N8N failed time after time"),
            "see why N8N fails; one message probes it then, and all goes on by itself",
        ));
    }
    Ok(checks)
}
