//! `outbound requeue` and `outbound cancel`.

use anyhow::bail;
use clap::Args;
use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::MessageId;
use domain::message::Message;
use domain::ports::{Begin, Filter, Idempotency as _, StoredAnswer};
use domain::usecase::Deps;
use domain::usecase::manage::{Act, Counts, Managed, manage, manage_matching, rehearse, rehearse_matching};
use serde_json::{Value, json};

use super::data::{Data, Progress, operator};
use super::selection::{Select, Selection};
use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::settings::Layers;

/// Shown below the help of `requeue`.
pub(super) const REQUEUE_EXAMPLES: &str = "\
Examples:
  outbound requeue 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e
  outbound requeue --failure-kind DEAD --channel ZALO --from 2026-11-01 --dry-run
  outbound requeue --failure-kind HELD --owner u123 --json

A requeued message begins a new attempt with a new Idempotency-Key. For a HELD one, whose outcome is unknown, that may
reach the customer a second time: look at N8N first.
Exit code: 0 when none was refused, else 1.";

/// Shown below the help of `cancel`.
pub(super) const CANCEL_EXAMPLES: &str = "\
Examples:
  outbound cancel 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e
  outbound cancel --status QUEUED --job 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e --dry-run
  outbound cancel --status QUEUED --all

What N8N has already can't be called back. Cancelled messages can be requeued.
Exit code: 0 when none was refused, else 1.";

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    select: Select,
    /// Tell what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
enum Outcome {
    /// For ids.
    Each(Box<Managed>),
    /// For a filter.
    Counted(Counts),
}

/// Runs the command; answers whether none was refused.
pub(super) async fn run(
    options: &Options,
    act: Act,
    layers: Layers,
    data_dir: &DataDir,
) -> Result<bool, Failure> {
    let data = Data::open(layers, data_dir).await?;
    let done = carry_out(options, act, &data).await;
    data.close().await?;
    let outcome = done?;
    if options.json {
        say(&as_json(&outcome, options.dry_run));
    } else {
        say(&as_text(&outcome, act, options.dry_run));
    }
    Ok(refused(&outcome) == 0)
}

async fn carry_out(options: &Options, act: Act, data: &Data) -> anyhow::Result<Outcome> {
    let by = operator()?;
    match options.select.selection(&data.in_force.rules.quiet_hours)? {
        Selection::Ids(ids) => {
            let managed = match options.dry_run {
                true => rehearse(&data.deps(), act, &by, &Scope::everything(), ids).await?,
                false => these(act, &by, ids, data).await?,
            };
            Ok(Outcome::Each(Box::new(managed)))
        }
        Selection::Filter(filter) => all_that_match(options.dry_run, act, &by, &filter, data).await,
    }
}

/// In one transaction, with what the audit trail tells of it.
async fn these(act: Act, by: &Actor, ids: &[MessageId], data: &Data) -> anyhow::Result<Managed> {
    let Begin::Fresh(transaction) = data.storage.store.begin(None).await? else {
        bail!("without a key nothing can have been done before");
    };
    let deps = Deps { stores: transaction.stores(), ..data.deps() };
    let managed = manage(&deps, act, by, &Scope::everything(), ids).await?;
    transaction.commit(StoredAnswer(String::new())).await?;
    Ok(managed)
}

async fn all_that_match(
    dry_run: bool,
    act: Act,
    by: &Actor,
    filter: &Filter,
    data: &Data,
) -> anyhow::Result<Outcome> {
    let (deps, scope, screen) = (data.deps(), Scope::everything(), Progress::new());
    let mut progress = |counts: Counts| {
        screen.tell(&format!("{} so far, {} refused", counts.changed, counts.refused));
    };
    let counts = match dry_run {
        true => rehearse_matching(&deps, act, by, &scope, filter, &mut progress).await?,
        false => manage_matching(&deps, act, by, &scope, filter, &mut progress).await?,
    };
    Ok(Outcome::Counted(counts))
}

/// Why each message that did not change did not, by id.
fn reasons(managed: &Managed) -> Vec<(String, String)> {
    let Managed { changed: _, refused, unknown, contended } = managed;
    let refused = refused.iter().map(|(id, illegal)| (id, illegal.to_string()));
    let unknown = unknown.iter().map(|id| (id, "there is no such message".to_owned()));
    let contended = contended.iter().map(|id| (id, "it kept changing; try again".to_owned()));
    refused.chain(unknown).chain(contended).map(|(id, why)| (id.to_string(), why)).collect()
}

fn refused(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Each(managed) => reasons(managed).len() as u64,
        Outcome::Counted(counts) => counts.refused,
    }
}

fn as_json(outcome: &Outcome, dry_run: bool) -> Value {
    match outcome {
        Outcome::Each(managed) => {
            let refused: Vec<Value> = reasons(managed)
                .into_iter()
                .map(|(id, message)| json!({"id": id, "message": message}))
                .collect();
            let changed: Vec<String> = managed.changed.iter().map(|message| message.id.to_string()).collect();
            json!({"ok": refused.is_empty(), "dryRun": dry_run, "changed": changed.len(), "ids": changed,
                "refused": refused})
        }
        Outcome::Counted(Counts { changed, refused }) => {
            json!({"ok": *refused == 0, "dryRun": dry_run, "changed": changed, "refused": refused})
        }
    }
}

fn as_text(outcome: &Outcome, act: Act, dry_run: bool) -> String {
    let done = match (act, dry_run) {
        (Act::Requeue, false) => "requeued",
        (Act::Requeue, true) => "would be requeued",
        (Act::Cancel, false) => "cancelled",
        (Act::Cancel, true) => "would be cancelled",
    };
    match outcome {
        Outcome::Each(managed) => {
            let changed = managed.changed.iter().map(|message: &Message| format!("{}  {done}", message.id));
            let refused = reasons(managed).into_iter().map(|(id, why)| format!("{id}  refused: {why}"));
            changed.chain(refused).collect::<Vec<_>>().join("\n")
        }
        Outcome::Counted(Counts { changed, refused: 0 }) => format!("{changed} {done}"),
        Outcome::Counted(Counts { changed, refused }) => {
            format!("{changed} {done}, {refused} refused because of their status")
        }
    }
}
