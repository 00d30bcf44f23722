//! `/outbound/worker`: dispatching by hand, what is stuck, and what the runs did.

mod plan;
mod runs;
mod stuck;
mod workflows;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::access::Role;
use domain::explain::Language;
use domain::policy::rate_limit::RateLimit;
use domain::rules::Limits;

use self::plan::{Plan, Wanted};
use self::workflows::Addresses;
pub(crate) use self::workflows::workflow;
use crate::error::PageError;
use crate::form::{self, Form};
use crate::frame::{Frame, Place, go_to, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::circuit::{self, CircuitState};
use crate::present::names::{Names, user};
use crate::present::time::clock;
use crate::run::{MAX_LIMIT, to_the_end, wanted};
use crate::visit::{May, MessagingRun, Posted};

/// How many stuck messages of each kind are looked at, the newest.
const STUCK: u32 = 20_000;
/// How many runs are shown.
const RUNS: u32 = 25;

/// What is wrong with the addresses; in English the export says it itself.
const NO_ADDRESS: &str =
    "Cần hai địa chỉ đầy đủ, ví dụ https://n8n.example.vn/webhook/outbound và https://crm.example.vn.";

/// What only an admin sees: the runs are everybody's, and so are N8N's workflows.
struct AdminPart {
    runs: Vec<runs::Line>,
    run_counts: [&'static str; 5],
    addresses: Addresses,
    files: Vec<(&'static str, String)>,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "worker.html")]
struct WorkerPage<'a> {
    f: &'a Frame,
    wanted: Wanted,
    max_limit: u32,
    plan: Option<Plan>,
    stuck: Vec<stuck::Kind>,
    circuit: CircuitState,
    quiet: Option<String>,
    is_all_quiet: bool,
    has_webhook: bool,
    limits: String,
    admin: Option<AdminPart>,
}

/// Leads to the page that tells what a run would do: a look ahead has an address, and a form's code is no part of it.
pub(crate) async fn plan(posted: Posted<MessagingRun>) -> HttpResponse {
    let field = |name: &'static str| (name, posted.form.get(name).unwrap_or_default());
    let kept = ["limit", "retryFailedOnly", "ignoreQuietHours"].map(field);
    go_to(&format!("/outbound/worker?{}", form::query([("plan", "1")].into_iter().chain(kept))))
}

pub(crate) async fn page(
    may: May<MessagingRun>,
    request: HttpRequest,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let form = Form::parse(request.query_string().as_bytes());
    let (lang, scope) = (may.visit.lang, may.caller.scope());
    let (now, zone) = (pages.clock.now(), pages.zone());
    let calendar = &pages.rules.quiet_hours;
    let is_admin = is_admin(&may);
    let quiet = calendar.status(now);
    let quiet_until = quiet.ends_at.map(|until| clock(until, now, zone));
    let asked = Wanted::of(&form, is_admin);
    let plan = match asked.is_asked {
        true => {
            let report = to_the_end(&pages, wanted(&pages, &may, &form, true)).await?;
            Some(Plan::new(lang, &report, quiet_until.clone()))
        }
        false => None,
    };
    let stuck = pages.stores.stuck(&scope, STUCK).await?;
    let admin = if is_admin {
        let lost_before = now - pages.rules.max_run - pages.rules.lease_for;
        let found = pages.stores.runs(RUNS).await?;
        let names = Names::of(&pages, found.iter().filter_map(|run| user(&run.by))).await?;
        let addresses = Addresses::of(&form, &pages, &request);
        let files = addresses.files(&pages);
        Some(AdminPart {
            runs: found
                .iter()
                .map(|run| runs::Line::new(lang, run, &names, calendar, lost_before, now))
                .collect(),
            run_counts: runs::counted(lang),
            // An address that nobody has given yet is no mistake.
            refused: files.as_ref().err().filter(|_| !addresses.webhook.is_empty()).map(|why| match lang.0 {
                Language::Vietnamese => NO_ADDRESS.to_owned(),
                Language::English => why.clone(),
            }),
            files: files.unwrap_or_default(),
            addresses,
        })
    } else {
        None
    };
    let frame = Frame::new(&may.visit, &pages, Place::Worker);
    let page = WorkerPage {
        f: &frame,
        wanted: asked,
        max_limit: MAX_LIMIT,
        plan,
        stuck: stuck::kinds(lang, &stuck, now, zone),
        circuit: circuit::state(lang, pages.stores.circuit().await?.circuit, now, zone),
        is_all_quiet: quiet.active,
        quiet: quiet_until,
        has_webhook: pages.gateway.is_some(),
        limits: limits(lang, &pages.rules.limits),
        admin,
    };
    show(&page, &frame)
}

/// The limits of a minute in words.
fn limits(lang: Lang, limits: &Limits) -> String {
    let said = |limit: RateLimit| {
        limit
            .get()
            .map_or_else(|| lang.t("không giới hạn", "unlimited").to_owned(), |limit| lang.number(limit))
    };
    lang.t("toàn hệ thống {all}, mỗi người phụ trách {each}.", "everybody {all}, each owner {each}.")
        .replace("{all}", &said(limits.global))
        .replace("{each}", &said(limits.per_owner))
}

fn is_admin(may: &May<MessagingRun>) -> bool {
    may.caller.role == Role::Admin
}
