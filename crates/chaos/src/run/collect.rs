//! What is left of a run when it is over: the evidence, and the report on it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::Stage;
use crate::drain::Drained;
use crate::evidence::Evidence;
use crate::load::api::{As, Ask};
use crate::processes::Order;
use crate::report::Report;
use crate::verdict::{self, judge};

/// How many timelines are looked at by HTTP.
const TIMELINES: usize = 1_500;

impl Stage {
    /// Reads everything, and stops the servers.
    pub(super) async fn collect(&mut self, drained: Drained) -> anyhow::Result<Evidence> {
        let mut evidence = Evidence {
            truth: self.n8n.truth(),
            clock: self.clock.history(),
            limits: Some(self.options.limits),
            drained,
            end: self.clock.server_now(),
            ..Evidence::default()
        };
        evidence.read(&self.database.connect().await?).await?;
        evidence.timelines = self.timelines(&evidence).await;
        for server in &self.servers {
            server.obey(Order::End).await;
        }
        evidence.notes = self.journal.notes();
        evidence.log_lines = self.folder.bad_lines();
        Ok(evidence)
    }

    /// The timelines of the messages with the longest stories.
    async fn timelines(&self, evidence: &Evidence) -> BTreeMap<String, Value> {
        let mut ids: Vec<(&String, usize)> =
            evidence.steps.iter().map(|(id, steps)| (id, steps.len())).collect();
        ids.sort_by_key(|(_, steps)| std::cmp::Reverse(*steps));
        let mut shown = BTreeMap::new();
        let mut asking = JoinSet::new();
        for (id, _) in ids.into_iter().take(TIMELINES) {
            let (api, id) = (self.api.clone(), id.clone());
            asking.spawn(async move {
                let ask = Ask::get(format!("/api/outbound/messages/{id}"), As::Admin);
                let answer = api.insist(&ask, Duration::from_secs(20)).await;
                (id, answer.map_or(Value::Null, |answer| answer.body))
            });
            if asking.len() >= 8 {
                shown.extend(asking.join_next().await.and_then(Result::ok));
            }
        }
        while let Some(answer) = asking.join_next().await {
            shown.extend(answer.ok());
        }
        shown
    }

    /// Judges.
    pub(super) fn report(&self, evidence: &Evidence) -> Report {
        let verdict::Verdict { checks, facts } = judge(evidence);
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for row in evidence.messages.values() {
            let kind = row.kind.as_deref().or(row.error.as_deref().filter(|_| row.status == "SKIPPED"));
            let state = format!("{} {}", row.status, kind.unwrap_or_default());
            *states.entry(state.trim().to_owned()).or_default() += 1;
        }
        let counts = evidence.notes.counts.iter().map(|(name, number)| ((*name).to_owned(), *number));
        let facts = facts.into_iter().map(|(name, number)| (name.to_owned(), number as u64));
        Report {
            seed: self.options.seed,
            time: self.options.time,
            faults: evidence.notes.faults.clone(),
            failed_faults: evidence.notes.failed_faults.clone(),
            facts: counts.chain(facts).collect(),
            states,
            checks,
            drained: evidence.drained.clone(),
        }
    }
}
