//! People, templates, and a history in which messages have come to every state, made by the use cases themselves.

mod jobs;

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Caller, Role, Scope};
use domain::actor::Actor;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{BranchId, LeadId, LeaseId, MessageId, OwnerId, TemplateKey};
use domain::message::{Callback, Event, Outcome, Priority, Step};
use domain::phone::PhoneNumber;
use domain::policy::quiet_hours::OpenChannel;
use domain::ports::{
    Clock as _, ContactStore as _, DeliveryGateway, HandOff, HandOffAnswer, LeaseMode, LeaseRequest,
    Template, TemplateStore as _,
};
use domain::rules::Rules;
use domain::template::TemplateBody;
use domain::usecase::Deps;
use domain::usecase::create::{CreateCommand, RecipientSpec, TextSource, create};
use domain::usecase::manage::{Act, manage};
use domain::usecase::record_callbacks::record_callbacks;
use domain::usecase::run_worker::{Release, RunRequest, Stopping, run_worker};
use memory_store::{ManualClock, MemoryStore, SteadyEntropy};

pub use self::jobs::jobs;
use super::site::AfternoonClock;

/// Id, name, branch.
const OWNERS: [(&str, &str, &str); 3] =
    [("u1", "Nguyễn Thị Lan", "b1"), ("u2", "Trần Văn Minh", "b1"), ("u3", "Lê Thu Hà", "b2")];

const NAMES: [&str; 18] = [
    "Nguyễn Minh Anh",
    "Trần Gia Huy",
    "Lê Ngọc Bích",
    "Phạm Đức Thịnh",
    "Hoàng Thảo Vy",
    "Vũ Quang Dũng",
    "Đặng Khánh Linh",
    "Bùi Tuấn Kiệt",
    "Đỗ Phương Nhi",
    "Hồ Thanh Tùng",
    "Ngô Hải Yến",
    "Dương Nhật Nam",
    "Lý Mỹ Duyên",
    "Phan Hoàng Long",
    "Võ Tường Vi",
    "Đinh Công Phúc",
    "Trịnh Hồng Nhung",
    "Mai Xuân Trường",
];

const TEMPLATES: [(&str, &str, Channel, &str); 5] = [
    (
        "remind_paid50",
        "Nhắc đóng nốt 50%",
        Channel::Sms,
        "Chào {{ name }}, trung tâm nhắc bạn hoàn thành 50% học phí còn lại ({{ amount }}) trước ngày {{ due }}. Liên hệ {{ ownerName }} để được hỗ trợ.",
    ),
    (
        "welcome_class",
        "Chào mừng nhập học",
        Channel::Zalo,
        "Chào {{ name }}! Lớp {{ className }} khai giảng lúc {{ time }}. Bạn nhớ mang theo CCCD nhé. {{ ownerName }}",
    ),
    (
        "trial_invite",
        "Mời học thử",
        Channel::Facebook,
        "Hi {{ name }}, {{ ownerName }} mời bạn học thử miễn phí cuối tuần này. Bạn rảnh buổi nào?",
    ),
    (
        "call_followup",
        "Gọi chăm sóc",
        Channel::CallNote,
        "Gọi lại cho {{ name }} ({{ phone }}): hỏi thăm sau buổi học thử, chốt lịch đóng phí.",
    ),
    (
        "exam_result",
        "Báo kết quả thi",
        Channel::Sms,
        "Chuc mung {{ name }} da dat {{ score }} diem! Nhan tin cho {{ ownerName }} de nhan lich hoc tiep theo.",
    ),
];

/// An N8N that answers as it is told.
pub struct Script(Mutex<HandOffAnswer>);

impl Script {
    pub fn accepting() -> Self {
        Self(Mutex::new(HandOffAnswer::Accepted))
    }
}

#[async_trait]
impl DeliveryGateway for Script {
    async fn pace(&self) {}
    async fn hand_off(&self, _: HandOff<'_>) -> HandOffAnswer {
        self.0.lock().unwrap().clone()
    }
}

struct Never;

impl Stopping for Never {
    fn is_stopping(&self) -> bool {
        false
    }
}

fn caller(owner: usize) -> Caller {
    let (id, name, branch) = OWNERS[owner];
    Caller {
        subject: OwnerId::parse(id).unwrap(),
        role: Role::Telesales,
        branch: Some(BranchId::parse(branch).unwrap()),
        name: Some(name.to_owned()),
    }
}

fn lead(index: usize) -> LeadId {
    LeadId::parse(format!("lead-{:02}", index + 1)).unwrap()
}

/// Contacts and templates.
pub async fn people(store: &MemoryStore) {
    let now = AfternoonClock.now();
    let contacts: Vec<Contact> = NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let (owner, owner_name, branch) = OWNERS[index % 3];
            Contact {
                id: ContactId::Lead(lead(index)),
                full_name: Some((*name).to_owned()),
                phone: Some(PhoneNumber::parse(&format!("0912340{:03}", 101 + 29 * index)).unwrap()),
                zalo_user_id: None,
                facebook_psid: Some(format!("52900000{:06}", 431_100 + index)),
                owner_id: Some(OwnerId::parse(owner).unwrap()),
                owner_name: Some(owner_name.to_owned()),
                branch_id: Some(BranchId::parse(branch).unwrap()),
                opted_out: if index == 15 { BTreeSet::from([Channel::Zalo]) } else { BTreeSet::new() },
            }
        })
        .collect();
    store.upsert_contacts(&contacts, now).await.unwrap();
    for (key, title, channel, body) in TEMPLATES {
        let template = Template {
            key: TemplateKey::parse(key).unwrap(),
            title: title.to_owned(),
            channel,
            body: TemplateBody::parse(body).unwrap(),
            is_active: true,
            updated_at: now,
        };
        store.insert_template(&template).await.unwrap();
    }
}

/// What becomes of a message of the history.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Sent,
    SentAtSecond,
    Retry,
    Dead,
    Held,
    Waiting,
    Cancelled,
    Queued,
    Scheduled,
    Again,
}

struct Past<'a> {
    deps: Deps<'a>,
    clock: &'a ManualClock,
    n8n: Script,
}

impl Past<'_> {
    fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    async fn create(
        &self,
        index: usize,
        template: usize,
        priority: Priority,
        at: Option<DateTime<Utc>>,
    ) -> MessageId {
        let (key, _, channel, _) = TEMPLATES[template % TEMPLATES.len()];
        let variables = [
            ("amount", "2.450.000đ"),
            ("due", "25/11"),
            ("className", "IELTS 6.5 tối 3-5-7"),
            ("time", "18:30"),
            ("score", "87"),
        ];
        let command = CreateCommand {
            channel,
            source: TextSource::Template(TemplateKey::parse(key).unwrap()),
            recipients: vec![RecipientSpec {
                lead_id: Some(lead(index % NAMES.len())),
                ..RecipientSpec::default()
            }],
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            priority,
            owner_id: None,
            branch_id: None,
            notification_id: None,
            scheduled_at: at,
            allow_duplicate: false,
            job_id: None,
        };
        let batch = create(&self.deps, &caller(index % 3), &command).await.unwrap();
        batch.messages[0].1.id
    }

    async fn run(&self, answer: HandOffAnswer) {
        *self.n8n.0.lock().unwrap() = answer;
        let request = RunRequest {
            batch: 50,
            concurrency: 1,
            dry_run: false,
            retry_failed_only: false,
            only: None,
            pull: false,
            scope: Scope::everything(),
            ignore_quiet_hours: false,
            by: Actor::Worker,
        };
        run_worker(&self.deps, Some(&self.n8n), &Never, &request).await.unwrap();
    }

    async fn callback(&self, id: MessageId, outcome: Outcome) {
        let callback = Callback { outcome, attempt: None, lease: None };
        record_callbacks(&self.deps, &[(id, callback)]).await.unwrap();
    }

    async fn sent(&self, id: MessageId) {
        self.callback(
            id,
            Outcome::Sent { provider_message_id: Some("zns-84f1c2".to_owned()), sent_at: None },
        )
        .await;
    }

    async fn failed(&self, id: MessageId, error: &str, permanent: bool) {
        self.callback(id, Outcome::Failed { error: error.to_owned(), permanent }).await;
    }

    async fn live(&self, index: usize, fate: Fate) {
        let priority = [Priority::Medium, Priority::High, Priority::Medium, Priority::Low][index % 4];
        let later = self.deps.clock.now() + TimeDelta::hours(3);
        let at = matches!(fate, Fate::Scheduled).then_some(later);
        let id = self.create(index, index * 2 + index / 5, priority, at).await;
        if matches!(fate, Fate::Queued | Fate::Scheduled | Fate::Again) {
            return;
        }
        self.wait(4);
        if matches!(fate, Fate::Cancelled) {
            let by = Actor::User(caller(index % 3).subject);
            manage(&self.deps, Act::Cancel, &by, &Scope::everything(), &[id]).await.unwrap();
            return;
        }
        if matches!(fate, Fate::Held) {
            self.run(HandOffAnswer::Unknown).await;
            return;
        }
        self.run(HandOffAnswer::Accepted).await;
        self.wait(6);
        match fate {
            Fate::Sent => self.sent(id).await,
            Fate::SentAtSecond => {
                self.failed(id, "nhà mạng bận, thử lại sau", false).await;
                self.wait(200);
                self.run(HandOffAnswer::Accepted).await;
                self.wait(5);
                self.sent(id).await;
            }
            Fate::Retry => self.failed(id, "nhà mạng bận, thử lại sau", false).await,
            Fate::Dead => self.failed(id, "số thuê bao không tồn tại", true).await,
            Fate::Waiting | Fate::Held | Fate::Cancelled | Fate::Queued | Fate::Scheduled | Fate::Again => {}
        }
    }
}

/// A day's messages; the last ones are still under way.
pub async fn history(store: &MemoryStore, rules: &Rules, entropy: &SteadyEntropy) {
    use Fate::{Again, Cancelled, Dead, Held, Queued, Retry, Scheduled, Sent, SentAtSecond, Waiting};
    let clock = ManualClock::at(AfternoonClock.now() - TimeDelta::hours(20));
    let past = Past {
        deps: Deps { stores: store, clock: &clock, entropy, rules },
        clock: &clock,
        n8n: Script::accepting(),
    };
    let early = [
        Sent,
        Sent,
        Dead,
        Sent,
        SentAtSecond,
        Sent,
        Held,
        Cancelled,
        Sent,
        Sent,
        Dead,
        Sent,
        Sent,
        SentAtSecond,
        Sent,
        Sent,
        Cancelled,
        Sent,
        Dead,
    ];
    for (index, fate) in early.into_iter().enumerate() {
        past.live(index, fate).await;
        // More of them at some hours than at others.
        past.wait([900, 5_400, 1_200, 7_500, 600][index % 5]);
    }
    clock.set(AfternoonClock.now() - TimeDelta::seconds(90));
    for (index, fate) in [(20, Retry), (23, Waiting), (25, Sent), (26, Waiting), (27, Retry)] {
        past.live(index, fate).await;
        past.wait(3);
    }
    clock.set(AfternoonClock.now() - TimeDelta::seconds(12));
    for (index, fate) in
        [(20, Again), (28, Queued), (30, Scheduled), (31, Queued), (33, Queued), (34, Queued)]
    {
        past.live(index, fate).await;
        past.wait(1);
    }
}

/// Hands so many due messages off.
pub async fn dispatch(deps: &Deps<'_>, batch: u32) {
    let n8n = Script::accepting();
    let request = RunRequest {
        batch,
        concurrency: 1,
        dry_run: false,
        retry_failed_only: false,
        only: None,
        pull: false,
        scope: Scope::everything(),
        ignore_quiet_hours: false,
        by: Actor::Worker,
    };
    run_worker(deps, Some(&n8n), &Never, &request).await.unwrap();
}

/// A run takes this message, and gives it back as quiet hours begin.
pub async fn release(deps: &Deps<'_>, id: MessageId) {
    let now = deps.clock.now();
    let lease = LeaseId::new(deps.entropy.uuid(now));
    let request = LeaseRequest {
        now,
        lease,
        lease_expires_at: now + TimeDelta::seconds(60),
        limit: 1,
        channels: OpenChannel::all(),
        scope: Scope::everything(),
        retry_failed_only: false,
        only: Some(id),
        limits: deps.rules.limits,
        mode: LeaseMode::Push,
        by: Actor::Worker,
        ignored_quiet_hours: false,
        dry_run: false,
    };
    let leased = deps.stores.lease_due(&request).await.unwrap().messages;
    let event = Event::Released { lease, reason: Release::QuietHours.to_string() };
    let Step::Moved(change) = leased[0].apply(event, &deps.context()).unwrap() else { panic!("it moves") };
    deps.stores.save(&[*change]).await.unwrap();
}

/// A text of u1 to a number.
pub async fn free_text(deps: &Deps<'_>, to: &str, text: &str) -> String {
    let command = CreateCommand {
        channel: Channel::Sms,
        source: TextSource::Text(text.to_owned()),
        recipients: vec![RecipientSpec { to: Some(to.to_owned()), ..RecipientSpec::default() }],
        variables: [].into(),
        priority: Priority::Medium,
        owner_id: None,
        branch_id: None,
        notification_id: None,
        scheduled_at: None,
        allow_duplicate: true,
        job_id: None,
    };
    let batch = create(deps, &caller(0), &command).await.unwrap();
    batch.messages[0].1.id.to_string()
}
