//! The pages, served on a free port.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Ho_Chi_Minh;
use domain::access::{Caller, Role, Scope};
use domain::actor::Actor;
use domain::ids::{BranchId, OwnerId};
use domain::policy::circuit::Circuit;
use domain::policy::quiet_hours::{QuietHours, Window};
use domain::policy::rate_limit::RateLimit;
use domain::ports::{
    Begin, Claim, Clock, Idempotency, Reserved, SharedCircuit, StoreError, StoredAnswer, Stores, Template,
    UnitOfWork,
};
use domain::rules::Rules;
use domain::usecase::Deps;
use domain::usecase::manage::{Act, manage};
use domain::usecase::run_worker::Stopping;
use memory_store::{MemoryStore, SteadyEntropy};
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio_util::task::TaskTracker;
use web_ui::{Background, DemoLogin, Pages, TokenError, TokenVerifier, Workflows};

use super::world::{self, Script};

/// Who signs in.
#[derive(Debug, Clone, Copy)]
pub enum Token {
    Admin,
    /// Of branch b1.
    Manager,
    /// u1 of branch b1.
    Telesales,
    /// u1 again, with another token: after a new sign-in.
    TelesalesAnew,
    /// The clerk of the Facebook page.
    DirectPage,
    Viewer,
}

impl Token {
    const ALL: [Self; 6] =
        [Self::Admin, Self::Manager, Self::Telesales, Self::TelesalesAnew, Self::DirectPage, Self::Viewer];

    /// A token that nobody can check now.
    pub const UNCHECKED: &'static str = "token-that-nobody-can-check";

    pub const fn text(self) -> &'static str {
        match self {
            Self::Admin => "token-of-the-admin",
            Self::Manager => "token-of-the-manager",
            Self::Telesales => "token-of-telesales",
            Self::TelesalesAnew => "new-token-of-telesales",
            Self::DirectPage => "token-of-the-clerk",
            Self::Viewer => "token-of-the-viewer",
        }
    }

    fn caller(self) -> Caller {
        let (subject, role, branch, name) = match self {
            Self::Admin => ("admin", Role::Admin, None, "Quản trị"),
            Self::Manager => ("m1", Role::Manager, Some("b1"), "Hoàng Thu Trang"),
            Self::DirectPage => ("d1", Role::DirectPage, None, "Trực trang"),
            Self::Telesales | Self::TelesalesAnew => ("u1", Role::Telesales, Some("b1"), "Nguyễn Thị Lan"),
            Self::Viewer => ("v1", Role::Viewer, Some("b1"), "Vũ Khách"),
        };
        Caller {
            subject: OwnerId::parse(subject).unwrap(),
            role,
            branch: branch.map(|branch| BranchId::parse(branch).unwrap()),
            name: Some(name.to_owned()),
        }
    }
}

/// What may hold messages back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Every channel has quiet hours now, for two hours more.
    Quiet,
    /// N8N failed time after time.
    CircuitOpen,
    /// The limit of this minute is used up.
    LimitFull,
    /// There is no way to N8N.
    NoWebhook,
}

/// Tokens that are good until they are taken back.
#[derive(Default)]
struct Tokens(Mutex<Vec<String>>);

#[async_trait]
impl TokenVerifier for Tokens {
    async fn verify(&self, token: &str, _: DateTime<Utc>) -> Result<Caller, TokenError> {
        if token == Token::UNCHECKED {
            return Err(TokenError::Unavailable("the keys can't be had".to_owned()));
        }
        let revoked = self.0.lock().unwrap().iter().any(|one| one == token);
        let found = Token::ALL.into_iter().find(|one| one.text() == token && !revoked);
        found.map(Token::caller).ok_or(TokenError::Refused)
    }

    fn admit(&self, _: &Caller) -> Result<(), u64> {
        Ok(())
    }
}

/// The machine's clock, moved to the afternoon of its day: what lies some hours back or ahead is on the same days
/// whenever the tests run. Its waits are real.
pub struct AfternoonClock;

#[async_trait]
impl Clock for AfternoonClock {
    fn now(&self) -> DateTime<Utc> {
        static AHEAD: OnceLock<TimeDelta> = OnceLock::new();
        let real: DateTime<Utc> = SystemTime::now().into();
        let ahead = AHEAD.get_or_init(|| {
            let local = real.with_timezone(&Ho_Chi_Minh).naive_local();
            local.date().and_time(NaiveTime::from_hms_opt(15, 0, 0).unwrap()) - local
        });
        real + *ahead
    }

    async fn sleep(&self, time: TimeDelta) {
        tokio::time::sleep(time.to_std().unwrap_or_default()).await;
    }
}

type Answers = BTreeMap<String, StoredAnswer>;

/// One after the other on the store itself: enough for forms that are sent twice.
struct Once {
    store: Arc<MemoryStore>,
    answers: Arc<tokio::sync::Mutex<Answers>>,
}

struct Work {
    store: Arc<MemoryStore>,
    /// Whoever comes with a key waits for whoever is at work with one.
    claimed: Option<(String, OwnedMutexGuard<Answers>)>,
}

#[async_trait]
impl UnitOfWork for Work {
    fn stores(&self) -> &dyn Stores {
        &*self.store
    }

    async fn commit(self: Box<Self>, answer: StoredAnswer) -> Result<(), StoreError> {
        if let Some((key, mut answers)) = self.claimed {
            answers.insert(key, answer);
        }
        Ok(())
    }
}

#[async_trait]
impl Idempotency for Once {
    async fn begin(&self, claim: Option<&Claim>) -> Result<Begin, StoreError> {
        let mut claimed = None;
        if let Some(claim) = claim {
            let key = format!("{} {} {}", claim.actor, claim.route, claim.key);
            let answers = Arc::clone(&self.answers).lock_owned().await;
            if let Some(answer) = answers.get(&key) {
                return Ok(Begin::Replay(answer.clone()));
            }
            claimed = Some((key, answers));
        }
        Ok(Begin::Fresh(Box::new(Work { store: Arc::clone(&self.store), claimed })))
    }

    async fn reserve(&self, _: &Claim) -> Result<Reserved, StoreError> {
        Ok(Reserved::Fresh)
    }

    async fn finish(&self, _: &Claim, _: StoredAnswer) -> Result<(), StoreError> {
        Ok(())
    }

    async fn release(&self, _: &Claim) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Going(Mutex<bool>);

impl Stopping for Going {
    fn is_stopping(&self) -> bool {
        *self.0.lock().unwrap()
    }
}

/// The pages over a queue in memory that has a history.
pub struct Site {
    pub url: String,
    pages: Pages,
    /// As they were at the start.
    usual: Pages,
    tokens: Arc<Tokens>,
    stopping: Arc<Going>,
    handle: Option<ServerHandle>,
    /// Where it serves; the server's threads end with it.
    runtime: tokio::runtime::Runtime,
}

impl Site {
    /// A site with contacts, templates and messages in every state.
    pub fn start() -> Self {
        Self::with(true)
    }

    /// A site with contacts and templates, and no message.
    pub fn empty() -> Self {
        Self::with(false)
    }

    fn with(history: bool) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let store = Arc::new(MemoryStore::new());
        let rules = Arc::new(Rules { quiet_hours: QuietHours::new(Ho_Chi_Minh, None), ..Rules::default() });
        let entropy = Arc::new(SteadyEntropy::default());
        runtime.block_on(async {
            world::people(&store).await;
            if history {
                world::jobs(&store, &rules, &entropy).await;
                world::history(&store, &rules, &entropy).await;
            }
        });
        let tokens = Arc::new(Tokens::default());
        let stopping = Arc::new(Going(Mutex::new(false)));
        let demo = |token: Token| DemoLogin {
            role: token.caller().role,
            name: token.caller().name.unwrap(),
            branch: token.caller().branch.map(|branch| branch.to_string()),
            token: Arc::new(move |_| Some(token.text().to_owned())),
        };
        let pages = Pages {
            stores: store.clone(),
            idempotency: Arc::new(Once { store: store.clone(), answers: Arc::default() }),
            rules,
            clock: Arc::new(AfternoonClock),
            entropy,
            gateway: Some(Arc::new(Script::accepting())),
            simulator: true,
            concurrency: 5,
            stopping: stopping.clone(),
            background: Background::new(Handle::clone(runtime.handle()), TaskTracker::new()),
            tokens: Some(tokens.clone()),
            secure_cookies: false,
            workflows: Workflows {
                webhook_url: None,
                base_url: None,
                export: Arc::new(|webhook, base| {
                    if !webhook.starts_with("http") {
                        return Err("webhook-url must be an address".to_owned());
                    }
                    let json = format!("{{\"webhook\": \"{webhook}\", \"base\": \"{base}\"}}");
                    Ok(vec![("1-run-worker.json", json.clone()), ("2-receive-and-send.json", json)])
                }),
            },
            demo_logins: vec![demo(Token::Admin), demo(Token::Manager), demo(Token::Telesales)],
        };
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let mut site = Self { url, usual: pages.clone(), pages, tokens, stopping, handle: None, runtime };
        site.serve(socket);
        site
    }

    fn serve(&mut self, socket: TcpListener) {
        *self.stopping.0.lock().unwrap() = false;
        let configure = web_ui::configure(self.pages.clone());
        let enter = self.runtime.enter();
        let server = HttpServer::new(move || {
            App::new().configure(configure.clone()).wrap(actix_web::middleware::Compress::default())
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(2)
        .listen(socket)
        .unwrap()
        .run();
        self.handle = Some(server.handle());
        tokio::spawn(server);
        drop(enter);
    }

    /// The address of a page.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Stops the server; what is stored stays.
    pub fn stop(&mut self) {
        *self.stopping.0.lock().unwrap() = true;
        let handle = self.handle.take().unwrap();
        self.runtime.block_on(handle.stop(true));
    }

    /// Serves again, at the same address.
    pub fn start_again(&mut self) {
        let address = self.url.strip_prefix("http://").unwrap();
        let socket = TcpListener::bind(address).unwrap();
        self.serve(socket);
    }

    /// Serves again while this holds, and nothing else does.
    pub fn under(&mut self, condition: Condition) {
        self.stop();
        let now = AfternoonClock.now();
        let mut rules = Rules::clone(&self.usual.rules);
        let mut circuit = Circuit::default();
        self.pages.gateway.clone_from(&self.usual.gateway);
        match condition {
            Condition::Quiet => {
                let zone = rules.quiet_hours.zone();
                let hour = |hours| (now + TimeDelta::hours(hours)).with_timezone(&zone).time();
                rules.quiet_hours = QuietHours::new(zone, Some(Window::new(hour(-1), hour(2)).unwrap()));
            }
            Condition::CircuitOpen => {
                circuit = Circuit::Open { until: now + TimeDelta::hours(1), failures: 5 };
            }
            Condition::LimitFull => {
                rules.limits.global = RateLimit::per_minute(2);
                self.act(async |deps| world::dispatch(&Deps { rules: &rules, ..deps }, 2).await);
            }
            Condition::NoWebhook => self.pages.gateway = None,
        }
        self.act(async |deps| {
            let old = deps.stores.circuit().await.unwrap();
            assert!(deps.stores.save_circuit(&SharedCircuit { circuit, ..old }).await.unwrap());
        });
        self.pages.rules = Arc::new(rules);
        self.start_again();
    }

    /// N8N is not simulated from now on.
    pub fn with_a_real_n8n(&mut self) {
        self.stop();
        self.pages.simulator = false;
        self.start_again();
    }

    /// Cookies only by HTTPS from now on.
    pub fn behind_tls(&mut self) {
        self.stop();
        self.pages.secure_cookies = true;
        self.start_again();
    }

    /// What is answered to a GET with these headers, from the status line on.
    pub fn raw(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: outbound\r\nconnection: close\r\n{headers}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A message of u1 that a run took and had to give back; its id.
    pub fn released(&self, to: &str) -> String {
        let id = self.queue_message(to, "Chào bạn");
        self.act(async |deps| world::release(&deps, id.parse().unwrap()).await);
        id
    }

    /// From now on the token opens nothing.
    pub fn revoke(&self, token: Token) {
        self.tokens.0.lock().unwrap().push(token.text().to_owned());
    }

    /// Does something to what is stored.
    pub fn act<T>(&self, act: impl AsyncFnOnce(Deps<'_>) -> T) -> T {
        let pages = &self.pages;
        let deps = Deps {
            stores: &*pages.stores,
            clock: &*pages.clock,
            entropy: &*pages.entropy,
            rules: &pages.rules,
        };
        self.runtime.block_on(act(deps))
    }

    /// A new message of u1 to a phone number; its id.
    pub fn queue_message(&self, to: &str, text: &str) -> String {
        self.act(async |deps| world::free_text(&deps, to, text).await)
    }

    /// Cancels a message behind the pages' back.
    pub fn cancel(&self, id: &str) {
        let id = id.parse().unwrap();
        self.act(async |deps| {
            manage(&deps, Act::Cancel, &Actor::Service, &Scope::everything(), &[id]).await.unwrap();
        });
    }

    /// Another text for a template.
    pub fn rewrite_template(&self, key: &str, body: &str) {
        let key = key.parse().unwrap();
        self.act(async |deps| {
            let old = deps.stores.template(&key).await.unwrap().unwrap();
            let new = Template { body: body.parse().unwrap(), updated_at: deps.clock.now(), ..old };
            assert!(deps.stores.update_template(&new).await.unwrap());
        });
    }

    /// An id that nothing has.
    pub fn unknown_id(&self) -> String {
        self.pages.entropy.uuid(AfternoonClock.now()).to_string()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.handle.is_some() {
            self.stop();
        }
    }
}
