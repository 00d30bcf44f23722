//! `/outbound/overview`: how it goes, in pictures. Drawn on the server; the numbers behind each are on the page.

mod bars;
mod hours;
mod quiet;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::message::Status;
use domain::policy::rate_limit::RateLimit;
use domain::ports::{Depth, Stats};

use self::bars::Line;
use self::hours::Hours;
use self::quiet::Band;
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::circuit::{self, CircuitState};
use crate::present::time::duration;
use crate::visit::{May, MessagingView};

/// Success is told of so many messages at most, the newest.
const NEWEST: u32 = 20_000;
/// So many owners are named.
const OWNERS: u32 = 5;

/// A number that is worth a look from afar.
struct Tile {
    label: &'static str,
    figure: String,
    note: String,
    tone: &'static str,
    href: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    f: &'a Frame,
    tiles: Vec<Tile>,
    hours: Hours,
    depth: Vec<Line>,
    success: Vec<Line>,
    success_of: String,
    limits: Vec<Line>,
    bands: Vec<Band>,
    minute: u32,
    circuit: CircuitState,
    has_webhook: bool,
}

pub(crate) async fn overview(may: May<MessagingView>, pages: Data<Pages>) -> Result<HttpResponse, PageError> {
    let (lang, scope) = (may.visit.lang, may.caller.scope());
    let (now, zone) = (pages.clock.now(), pages.zone());
    let rules = &pages.rules;
    let stores = &pages.stores;
    let stats = stores.stats(&scope, &rules.limits, now).await?;
    let bounds = hours::bounds(now, zone);
    let hours = Hours::new(lang, &bounds, zone, &stores.created(&scope, &bounds).await?);
    let depth = stores.depth(&scope, now).await?;
    let outcomes = stores.outcomes(&scope, now - TimeDelta::hours(24), NEWEST).await?;
    let looked_at: u64 = outcomes.iter().map(|one| one.count).sum();
    let frame = Frame::new(&may.visit, &pages, Place::Overview);
    let page = OverviewPage {
        f: &frame,
        tiles: tiles(lang, &stats, &depth, now),
        hours,
        depth: bars::depth(lang, &depth, now),
        success: bars::success(lang, &outcomes),
        success_of: if looked_at >= u64::from(NEWEST) {
            lang.t("trong {n} tin mới nhất", "of the newest {n} messages")
                .replace("{n}", &lang.number(NEWEST))
        } else {
            lang.t("tin tạo trong 24 giờ qua", "of messages created in the last 24 hours").to_owned()
        },
        limits: limits(lang, &pages, &scope, &stats, now).await?,
        bands: quiet::bands(lang, now, &rules.quiet_hours),
        minute: quiet::minute(now, &rules.quiet_hours),
        circuit: circuit::state(lang, stores.circuit().await?.circuit, now, zone),
        has_webhook: pages.gateway.is_some(),
    };
    show(&page, &frame)
}

fn tiles(lang: Lang, stats: &Stats, depth: &[Depth], now: DateTime<Utc>) -> Vec<Tile> {
    let count = |status: Status| {
        let total = stats.by_status.get(&status).copied();
        total.map_or_else(
            || "0".to_owned(),
            |total| {
                let said = lang.number(total.count);
                if total.is_estimate { format!("≈ {said}") } else { said }
            },
        )
    };
    let oldest = depth.iter().filter_map(|one| one.oldest_due_at).min();
    vec![
        Tile {
            label: lang.t("Đến hạn", "Due now"),
            figure: lang.number(depth.iter().map(|one| one.due).sum::<u64>()),
            note: oldest.map_or_else(
                || lang.t("không có tin nào phải chờ", "nothing has to wait").to_owned(),
                |at| format!("{} {}", lang.t("lâu nhất", "longest"), duration(lang, now - at)),
            ),
            tone: "queued",
            href: "/outbound?status=QUEUED".to_owned(),
        },
        Tile {
            label: lang.t("Đã gửi trong giờ qua", "Sent in the last hour"),
            figure: lang.number(stats.sent_last_hour),
            note: format!(
                "{} {}",
                lang.number(stats.sent_last_minute),
                lang.t("trong phút qua", "in the last minute")
            ),
            tone: "sent",
            href: "/outbound?status=SENT".to_owned(),
        },
        Tile {
            label: lang.t("Chờ phản hồi", "Awaiting reply"),
            figure: count(Status::Dispatched),
            note: lang.t("N8N đã nhận, chưa báo kết quả", "with N8N, no outcome yet").to_owned(),
            tone: "dispatched",
            href: "/outbound?status=DISPATCHED".to_owned(),
        },
        Tile {
            label: lang.t("Lỗi", "Failed"),
            figure: count(Status::Failed),
            note: lang.t("chờ thử lại, dừng hẳn và tạm giữ", "to be retried, given up or on hold").to_owned(),
            tone: "dead",
            href: "/outbound?status=FAILED".to_owned(),
        },
    ]
}

/// The limit of all, and those of the owners within the scope.
async fn limits(
    lang: Lang,
    pages: &Pages,
    scope: &Scope,
    stats: &Stats,
    now: DateTime<Utc>,
) -> Result<Vec<Line>, PageError> {
    let limits = &pages.rules.limits;
    let used = |limit: RateLimit, left: Option<u32>| {
        limit.get().zip(left).map_or(0, |(limit, left)| limit.saturating_sub(left))
    };
    let everybody = lang.t("Toàn hệ thống", "Everybody").to_owned();
    let mut lines = vec![bars::limit(
        lang,
        "queue",
        everybody,
        used(limits.global, stats.global_limit_left),
        limits.global,
    )];
    let owners = pages.stores.busiest_owners(scope, now, OWNERS).await?;
    if scope.owner.is_some() && owners.is_empty() {
        lines.push(bars::limit(lang, "person", lang.t("Bạn", "You").to_owned(), 0, limits.per_owner));
    }
    lines.extend(owners.into_iter().map(|owner| {
        let label = match scope.owner {
            Some(_) => lang.t("Bạn", "You").to_owned(),
            None => owner.owner_name.unwrap_or_else(|| owner.owner_id.to_string()),
        };
        bars::limit(lang, "person", label, owner.used, limits.per_owner)
    }));
    Ok(lines)
}
