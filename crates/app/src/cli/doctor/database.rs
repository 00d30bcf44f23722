//! The database: reachable, up to date, with the right time.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use domain::ports::Clock;
use embedded_postgres::OLDEST_POSTGRES;
use storage_pg::{DatabaseServer, PgStore};

use super::queue;
use super::report::Check;
use crate::clock;
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::in_force::{self, InForce};
use crate::settings::{Layers, Settings};
use crate::storage::Storage;

const DATABASE: &str = "database";
const CLOCK: &str = "clock";
const SERVER: &str = "server";
/// Clocks that differ by more let the limits' windows go wrong by as much.
const SKEW_TO_WARN: TimeDelta = TimeDelta::seconds(1);
/// So much makes leases and quiet hours wrong.
const SKEW_TO_FAIL: TimeDelta = TimeDelta::seconds(10);

/// All that needs the database.
pub(super) async fn check(layers: &Layers, settings: &Settings, data_dir: &DataDir) -> Vec<Check> {
    let clock = clock::of_settings(&settings.server);
    match Database::attach(&settings.database, data_dir).await {
        Ok(database) => {
            let checks = look_into(layers, settings, database.url(), clock).await;
            match database.close().await {
                Ok(()) => checks,
                Err(error) => checks.into_iter().chain([unreachable(&error)]).collect(),
            }
        }
        Err(error) => vec![unreachable(&error)],
    }
}

async fn look_into(layers: &Layers, settings: &Settings, url: &str, clock: Arc<dyn Clock>) -> Vec<Check> {
    let storage = match Storage::unchecked(url).await {
        Ok(storage) => storage,
        Err(error) => return vec![unreachable(&error)],
    };
    let mut checks = match server(&storage.store, &*clock).await {
        Ok(checks) => checks,
        Err(error) => return vec![unreachable(&error)],
    };
    if storage_pg::is_readable_on_the_way(url).unwrap_or(false) {
        checks.push(Check::warn(
            DATABASE,
            "the connection is plain and leaves this machine: phone numbers and texts can be read on the way",
            "add ?sslmode=require to DATABASE_URL, or ?sslmode=disable where the network is yours alone",
        ));
    }
    if settings.database.url.is_none() {
        let advice =
            "set DATABASE_URL for anything but trying it out: nobody backs the private PostgreSQL up";
        checks.push(Check::warn(DATABASE, "it is the private PostgreSQL of this folder", advice));
    }
    match crate::storage::pending_migrations(url).await {
        Err(error) => checks.push(unreachable(&error)),
        Ok(pending) if !pending.is_empty() => checks.push(Check::fail(
            "migrations",
            format!("{} are pending, from {}", pending.len(), pending.first().map_or("", String::as_str)),
            "run `outbound migrate`, or start the server, which does so too",
        )),
        Ok(_) => {
            checks.push(Check::ok("migrations", "none is pending"));
            match queue(layers, settings, &storage.store, &*clock).await {
                Ok(more) => checks.extend(more),
                Err(error) => checks.push(unreachable(&error)),
            }
        }
    }
    checks
}

async fn server(store: &PgStore, clock: &dyn Clock) -> anyhow::Result<Vec<Check>> {
    // Once before, so that connecting is not measured.
    store.ping().await?;
    let (asked, before) = (Instant::now(), clock.now());
    let DatabaseServer { now, version } = store.server().await?;
    let took = asked.elapsed();
    let middle = before + TimeDelta::from_std(took / 2)?;
    let said = format!("PostgreSQL {version} answers in {:.1} ms", took.as_secs_f64() * 1_000.0);
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let database = match major {
        Some(major) if major < OLDEST_POSTGRES => {
            Check::fail(DATABASE, said, format!("move to PostgreSQL {OLDEST_POSTGRES} or newer"))
        }
        Some(_) | None => Check::ok(DATABASE, said),
    };
    Ok(vec![database, skew(middle - now)])
}

/// What needs tables that are up to date. The queue is judged by what the server works by.
async fn queue(
    layers: &Layers,
    settings: &Settings,
    store: &PgStore,
    clock: &dyn Clock,
) -> anyhow::Result<Vec<Check>> {
    let in_force = InForce::find(store, settings).await?;
    let server = match &in_force.unread {
        Some(unread) => Some(Check::warn(SERVER, unread, "run this as the server's role, with its version")),
        None => in_force::differences(store, layers, settings).await?.map(|lines| running(&lines)),
    };
    let mut checks: Vec<Check> = server.into_iter().collect();
    checks.extend(queue::check(&in_force.rules, store, clock).await?);
    Ok(checks)
}

fn running(differences: &[String]) -> Check {
    if differences.is_empty() {
        return Check::ok(SERVER, "the one that started last works by these settings");
    }
    Check::warn(
        SERVER,
        format!("the one that started last works by other settings: {}", differences.join("; ")),
        "run this with the server's environment, or start the server anew with this one",
    )
}

fn skew(ahead: TimeDelta) -> Check {
    let seconds = ahead.num_milliseconds() as f64 / 1_000.0;
    let way = if seconds < 0.0 { "behind" } else { "ahead of" };
    let said = format!("this machine's is {:.3} s {way} the database's", seconds.abs());
    let advice = "keep both machines' clocks right (NTP): limits, leases and quiet hours go by them";
    match ahead.abs() {
        skew if skew > SKEW_TO_FAIL => Check::fail(CLOCK, said, advice),
        skew if skew > SKEW_TO_WARN => Check::warn(CLOCK, said, advice),
        _ => Check::ok(CLOCK, said),
    }
}

fn unreachable(error: &anyhow::Error) -> Check {
    Check::fail(
        DATABASE,
        format!("{error:#}"),
        "see that PostgreSQL runs, and that DATABASE_URL names its host, port, database, user and password",
    )
}
