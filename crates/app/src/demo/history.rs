//! A week in the life of the queue, and the last hour of it.

use std::collections::BTreeMap;

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::access::Scope;
use domain::actor::Actor;
use domain::channel::Channel;
use domain::contact::ContactId;
use domain::ids::{MessageId, TemplateKey};
use domain::message::Priority;
use domain::policy::quiet_hours::QuietHours;
use domain::policy::rate_limit::RateLimit;
use domain::ports::{Clock as _, Stores};
use domain::rules::{Limits, Rules};
use domain::usecase::Deps;
use domain::usecase::create::{CreateCommand, RecipientSpec, TextSource, create};
use domain::usecase::expire::expire;
use domain::usecase::manage::{Act, manage};
use domain::usecase::record_callbacks::record_callbacks;
use domain::usecase::run_worker::{RunRequest, run_worker};

use super::past::{Fate, Past};
use super::people;
use crate::clock::RandomEntropy;

/// How many days it goes back.
const DAYS: i64 = 6;
/// What becomes of the messages of one round, in their order.
const ROUND: [Fate; 6] =
    [Fate::Sent(0), Fate::Sent(0), Fate::Sent(1), Fate::Sent(0), Fate::NoSuchNumber, Fate::Sent(0)];

/// Makes the messages, as they would have come about until `now`. Answers how many there are.
pub(super) async fn make(stores: &dyn Stores, rules: &Rules, now: DateTime<Utc>) -> anyhow::Result<usize> {
    // The past kept to quiet hours and limits by what it was made of; the rules need not be asked.
    let zone = rules.quiet_hours.zone();
    let limits = Limits { global: RateLimit::UNLIMITED, per_owner: RateLimit::UNLIMITED };
    let rules = Rules { quiet_hours: QuietHours::new(zone, None), limits, dedupe_days: 1, ..rules.clone() };
    let past = Past::new(now - TimeDelta::days(DAYS + 1));
    let entropy = RandomEntropy::default();
    let deps = Deps { stores, clock: &past, entropy: &entropy, rules: &rules };
    let mut history = History { deps, past: &past, zone, made: 0 };
    for days_ago in (1..=DAYS).rev() {
        history.day(now, days_ago).await?;
    }
    history.last_hour(now).await?;
    Ok(history.made)
}

struct History<'a> {
    deps: Deps<'a>,
    past: &'a Past,
    zone: Tz,
    made: usize,
}

/// One message to be made.
struct Plan {
    contact: usize,
    channel: Channel,
    priority: Priority,
    fate: Fate,
    scheduled_at: Option<DateTime<Utc>>,
}

impl Plan {
    fn new(contact: usize, channel: Channel, fate: Fate) -> Self {
        Self { contact, channel, priority: Priority::Medium, fate, scheduled_at: None }
    }
}

impl History<'_> {
    /// A morning's and an afternoon's round of an earlier day.
    async fn day(&mut self, now: DateTime<Utc>, days_ago: i64) -> anyhow::Result<()> {
        let day = usize::try_from(days_ago).unwrap_or_default();
        for (round, hour) in [(0, 9), (1, 15)] {
            let Some(at) = self.at_hour(now - TimeDelta::days(days_ago), hour) else { continue };
            self.past.advance_to(at);
            for (place, fate) in ROUND.into_iter().enumerate() {
                let number = (day * 2 + round) * ROUND.len() + place;
                let fate = match (fate, day, round) {
                    (Fate::NoSuchNumber, 5, _) => Fate::Blocked,
                    (Fate::NoSuchNumber, 3, _) => Fate::Lost,
                    (Fate::NoSuchNumber, 2, _) => Fate::Sent(9),
                    (other, ..) => other,
                };
                self.create(Plan::new(number, channel(number), fate)).await?;
            }
            // The same once more: a duplicate.
            if round == 1 {
                let number = (day * 2 + round) * ROUND.len();
                self.create(Plan::new(number, channel(number), Fate::Sent(0))).await?;
            }
            // The run, and its retries after 2, 10 and 60 minutes with their jitter.
            for minutes in [1, 5, 20, 110] {
                self.run(at + TimeDelta::minutes(minutes)).await?;
            }
        }
        Ok(())
    }

    /// What is under way at the end.
    async fn last_hour(&mut self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let ago = |minutes| now - TimeDelta::minutes(minutes);
        self.past.advance_to(ago(58));
        self.batch(0..4, Fate::Sent(0)).await?;
        self.batch(4..7, Fate::Sent(9)).await?;
        for channel in [Channel::Sms, Channel::Zalo] {
            self.create(Plan::new(people::OPTED_OUT, channel, Fate::Sent(0))).await?;
        }
        for minutes in [57, 53, 39] {
            self.run(ago(minutes)).await?;
        }
        self.cancelled(ago(35), now).await?;
        self.past.advance_to(ago(6));
        self.batch(7..11, Fate::Sent(0)).await?;
        self.batch(11..13, Fate::Lost).await?;
        self.run(ago(5)).await?;
        self.past.advance_to(ago(2));
        for (place, contact) in (13..25).enumerate() {
            let priority = [Priority::High, Priority::Medium, Priority::Medium, Priority::Low];
            let priority = priority.get(place % 4).copied().unwrap_or(Priority::Medium);
            self.create(Plan { priority, ..Plan::new(contact, channel(contact), Fate::Sent(0)) }).await?;
        }
        for (hours, contact) in (1..).zip(0..6) {
            let scheduled_at = Some(now + TimeDelta::hours(3 * hours));
            self.create(Plan { scheduled_at, ..Plan::new(contact, Channel::CallNote, Fate::Sent(0)) })
                .await?;
        }
        Ok(())
    }

    /// Messages for later that somebody thinks better of.
    async fn cancelled(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.past.advance_to(at);
        let mut ids = Vec::new();
        for contact in 25..28 {
            let scheduled_at = Some(now + TimeDelta::days(1));
            let plan = Plan { scheduled_at, ..Plan::new(contact, Channel::CallNote, Fate::Sent(0)) };
            ids.extend(self.create(plan).await?);
        }
        self.past.advance_to(at + TimeDelta::minutes(4));
        let by = Actor::User(people::caller_for(0)?.subject);
        manage(&self.deps, Act::Cancel, &by, &Scope::everything(), &ids).await?;
        Ok(())
    }

    async fn batch(&mut self, contacts: std::ops::Range<usize>, fate: Fate) -> anyhow::Result<()> {
        for contact in contacts {
            self.create(Plan::new(contact, channel(contact), fate)).await?;
        }
        Ok(())
    }

    /// Queues one message and settles its fate.
    async fn create(&mut self, plan: Plan) -> anyhow::Result<Option<MessageId>> {
        let caller = people::caller_for(plan.contact % people::COUNT)?;
        let batch = create(&self.deps, &caller, &command(&plan)?).await?;
        if let Some(rejected) = batch.rejected.first() {
            bail!("a message was rejected: {:?}", rejected.problems);
        }
        let id = batch.messages.first().map(|(_, message)| message.id);
        if let Some(id) = id {
            self.past.decide(id, plan.fate);
            self.made += 1;
        }
        // No two in one moment.
        let now = self.past.now();
        self.past.advance_to(now + TimeDelta::milliseconds(1_700));
        Ok(id)
    }

    /// A run of the worker, and what N8N says a little later.
    async fn run(&self, at: DateTime<Utc>) -> anyhow::Result<()> {
        self.past.advance_to(at);
        expire(&self.deps).await?;
        let request = RunRequest {
            batch: 200,
            concurrency: 1,
            dry_run: false,
            retry_failed_only: false,
            only: None,
            pull: false,
            scope: Scope::everything(),
            ignore_quiet_hours: false,
            by: Actor::Worker,
        };
        run_worker(&self.deps, Some(self.past), self.past, &request).await?;
        self.past.advance_to(at + TimeDelta::milliseconds(2_300));
        record_callbacks(&self.deps, &self.past.callbacks()).await?;
        Ok(())
    }

    /// A full hour of the local day that an instant lies in.
    fn at_hour(&self, at: DateTime<Utc>, hour: u32) -> Option<DateTime<Utc>> {
        let local = at.with_timezone(&self.zone).date_naive().and_hms_opt(hour, 4, 0)?;
        local.and_local_timezone(self.zone).earliest().map(|at| at.to_utc())
    }
}

fn channel(number: usize) -> Channel {
    match number % 4 {
        0 => Channel::Sms,
        1 => Channel::Zalo,
        2 => Channel::Facebook,
        _ => Channel::CallNote,
    }
}

fn command(plan: &Plan) -> anyhow::Result<CreateCommand> {
    let variables = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let template = |key: &str| TemplateKey::parse(key).map(TextSource::Template);
    let (source, variables) = match plan.channel {
        Channel::Sms => (template("remind_paid50")?, BTreeMap::new()),
        Channel::Zalo => (template("remind_remaining")?, variables(&[("remaining", "3.500.000đ")])),
        Channel::Facebook => (template("remind_schedule")?, variables(&[("scheduleAt", "19:00 thứ Năm")])),
        Channel::CallNote => {
            let text = "Gọi lại hỏi thăm kết quả học thử và mời đăng ký khóa chính.".to_owned();
            (TextSource::Text(text), BTreeMap::new())
        }
    };
    let mut recipient = RecipientSpec::default();
    match people::id(plan.contact)? {
        ContactId::Lead(id) => recipient.lead_id = Some(id),
        ContactId::Student(id) => recipient.student_id = Some(id),
    }
    Ok(CreateCommand {
        channel: plan.channel,
        source,
        recipients: vec![recipient],
        variables,
        priority: plan.priority,
        owner_id: None,
        branch_id: None,
        notification_id: None,
        scheduled_at: plan.scheduled_at,
        allow_duplicate: false,
        job_id: None,
    })
}
