//! Jobs of AI actions: one done, one that failed, one that is still to go.

use chrono::TimeDelta;
use domain::actor::Actor;
use domain::ids::{ActionKey, RunId, SuggestionId, TemplateKey};
use domain::job::{JobStatus, JobUpdate};
use domain::message::{Outcome, Priority};
use domain::ports::{Clock as _, HandOffAnswer};
use domain::rules::Rules;
use domain::usecase::Deps;
use domain::usecase::create::{CreateCommand, RecipientSpec, TextSource};
use domain::usecase::jobs::{CreateJob, create_job, update_job};
use memory_store::{ManualClock, MemoryStore, SteadyEntropy};

use super::super::site::AfternoonClock;
use super::{Past, Script, TEMPLATES, caller, lead};

struct Plan {
    owner: usize,
    title: &'static str,
    note: &'static str,
    template: usize,
    leads: &'static [usize],
    /// When they go, in hours from now.
    later: Option<i64>,
}

/// Jobs of u1 and u2 in branch b1, and one of u3 in b2.
pub async fn jobs(store: &MemoryStore, rules: &Rules, entropy: &SteadyEntropy) {
    let clock = ManualClock::at(AfternoonClock.now() - TimeDelta::hours(21));
    let past = Past {
        deps: Deps { stores: store, clock: &clock, entropy, rules },
        clock: &clock,
        n8n: Script::accepting(),
    };
    let done = Plan {
        owner: 0,
        title: "Mời học thử cuối tuần",
        note: "Khách hỏi giá trong 7 ngày qua. Chị Lan 0912 340 101 duyệt.",
        template: 2,
        leads: &[0, 3, 6, 9],
        later: None,
    };
    past.job(&done, 4).await;
    let failed =
        Plan {
            owner: 1, title: "Nhắc chị Mai 0901 234 567 đóng phí", template: 2, leads: &[1, 4], ..done
        };
    past.job(&failed, 1).await;
    let elsewhere =
        Plan { owner: 2, title: "Chăm sóc sau khóa IELTS", template: 2, leads: &[2, 5], ..failed };
    past.job(&elsewhere, 2).await;
    let waiting =
        Plan { title: "Nhắc học phí đợt 2", template: 0, leads: &[0, 3, 6], later: Some(5), ..done };
    past.job(&waiting, 0).await;
}

impl Past<'_> {
    /// A job of which the first few messages are sent; the others fail.
    async fn job(&self, plan: &Plan, sent: usize) {
        let (key, _, channel, _) = TEMPLATES[plan.template];
        let recipient =
            |index: &usize| RecipientSpec { lead_id: Some(lead(*index)), ..RecipientSpec::default() };
        let variables = [("amount", "2.450.000đ"), ("due", "25/11")];
        let messages = CreateCommand {
            channel,
            source: TextSource::Template(TemplateKey::parse(key).unwrap()),
            recipients: plan.leads.iter().map(recipient).collect(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            priority: Priority::Medium,
            owner_id: None,
            branch_id: None,
            notification_id: None,
            scheduled_at: plan.later.map(|hours| AfternoonClock.now() + TimeDelta::hours(hours)),
            allow_duplicate: true,
            job_id: None,
        };
        let command = CreateJob {
            title: Some(plan.title.to_owned()),
            action_key: Some(ActionKey::parse("follow_up").unwrap()),
            suggestion_id: Some(SuggestionId::parse("sg-2041").unwrap()),
            task_id: None,
            note: Some(plan.note.to_owned()),
            messages,
        };
        let created = create_job(&self.deps, &caller(plan.owner), command).await.unwrap();
        if plan.later.is_some() {
            return;
        }
        let id = created.job.unwrap().id;
        let update = |status, last_error: Option<&str>| JobUpdate {
            status,
            run_id: Some(RunId::parse("run-77").unwrap()),
            last_error: last_error.map(str::to_owned),
        };
        self.wait(5);
        update_job(&self.deps, id, &update(JobStatus::Dispatched, None), Actor::N8n).await.unwrap();
        self.run(HandOffAnswer::Accepted).await;
        self.wait(8);
        for (place, (_, message)) in created.batch.messages.iter().enumerate() {
            let outcome = if place < sent {
                Outcome::Sent { provider_message_id: None, sent_at: None }
            } else {
                Outcome::Failed { error: "trang đã bị khóa".to_owned(), permanent: true }
            };
            self.callback(message.id, outcome).await;
        }
        let end = if sent == created.batch.messages.len() {
            update(JobStatus::Done, None)
        } else {
            update(JobStatus::Failed, Some("Zalo OA từ chối: gọi 0901 234 567"))
        };
        update_job(&self.deps, id, &end, Actor::N8n).await.unwrap();
    }
}
