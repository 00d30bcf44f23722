//! `outbound doctor`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json as object};
use test_support::database::TestDatabase;

use super::{beside, json};
use crate::crowd;
use crate::process::{Scratch, run, text};
use crate::support::{TestApp, friendly_n8n, settings};

/// What a check found, by its name; the first that is not ok, where there are several.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let of_name = || report["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    of_name().find(|check| check["level"] != "ok").or(of_name().next()).unwrap_or(&Value::Null)
}

fn level<'a>(report: &'a Value, name: &str) -> &'a str {
    check(report, name)["level"].as_str().unwrap_or_default()
}

/// A server's settings that leave nothing to be said.
fn sound(database_url: &str, n8n_url: &str) -> BTreeMap<String, String> {
    let mut values = settings(database_url, n8n_url);
    values.insert("WORKER_INTERVAL_SECONDS".to_owned(), "5".to_owned());
    values
}

#[tokio::test]
async fn all_is_well_and_nothing_is_handed_to_n8n() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let values = sound(database.url(), &n8n.url());
    let (code, report) = json(&values, &["doctor", "--json", "--strict"]).await;
    assert_eq!((code, &report["ok"]), (0, &object!(true)), "{report}");
    for name in ["settings", "secrets", "database", "clock", "migrations", "queue", "n8n"] {
        assert_eq!(level(&report, name), "ok", "{name}: {report}");
    }
    let asked = n8n.log().hand_offs;
    assert!(asked.len() == 1 && asked.iter().all(|one| one.raw.is_empty()), "{asked:?}");

    let said = text(&run(&values, &["doctor"]).await.stdout);
    assert!(said.contains("ok    migrations  none is pending") && said.contains("0 failures"), "{said}");
    assert!(!said.contains("secret-") && !said.contains("-own-"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let database = TestDatabase::create_empty().await;
    let folder = Scratch::new("doctor");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "30").unwrap();
    let mut values = sound(database.url(), "http://127.0.0.1:1/webhook/hush");
    values.insert("OUTBOUND_TEST_CLOCK_FILE".to_owned(), clock.to_str().unwrap().to_owned());
    values.insert("SERVICE_TOKEN".to_owned(), "short".to_owned());
    values.insert("JWT_SECRET".to_owned(), values["WORKER_SECRET"].clone());
    let (code, report) = json(&values, &["doctor", "--json"]).await;
    assert_eq!((code, &report["ok"]), (1, &object!(false)));
    let found: Vec<&str> =
        ["clock", "migrations", "n8n", "secrets"].map(|name| level(&report, name)).to_vec();
    assert_eq!(found, ["fail", "fail", "fail", "warn"], "{report}");
    assert!(check(&report, "migrations")["advice"].as_str().unwrap().contains("outbound migrate"));
    let whole = report.to_string();
    assert!(whole.contains("SERVICE_TOKEN can be guessed") && whole.contains("JWT_SECRET and WORKER_SECRET"));
    assert!(!whole.contains("hush"), "an address may be a secret: {whole}");
    let still = storage_pg::pending_migrations(database.url()).await.unwrap();
    assert!(!still.is_empty(), "it changes nothing");
}

#[tokio::test]
async fn a_warning_fails_only_when_it_is_asked_to() {
    let (database, n8n) = (TestDatabase::create().await, friendly_n8n().await);
    let values = settings(database.url(), &n8n.url());
    let (code, report) = json(&values, &["doctor", "--json"]).await;
    assert_eq!((code, level(&report, "worker")), (0, "warn"), "{report}");
    assert_eq!(json(&values, &["doctor", "--json", "--strict"]).await.0, 1);
}

#[tokio::test]
async fn bad_settings_and_a_database_that_is_not_there_fail_without_a_password() {
    let bad = BTreeMap::from([("CIRCUIT_FAILURES".to_owned(), "none".to_owned())]);
    let (code, report) = json(&bad, &["--data-dir", "/nonexistent", "doctor", "--json"]).await;
    assert_eq!((code, level(&report, "settings")), (1, "fail"), "{report}");

    let away = settings("postgresql://me:hush@127.0.0.1:1/x", "http://127.0.0.1:1/");
    let (code, report) = json(&away, &["doctor", "--json"]).await;
    assert_eq!((code, level(&report, "database")), (1, "fail"), "{report}");
    assert!(!report.to_string().contains("hush"));
}

#[tokio::test]
async fn what_has_been_due_for_long_is_noticed() {
    let app = TestApp::start().await;
    app.clock.advance(-TimeDelta::hours(1));
    crowd::queue(&app, 3).await;
    let (_, report) = json(&beside(&app), &["doctor", "--json"]).await;
    assert_eq!(level(&report, "queue"), "warn", "{report}");
    assert!(check(&report, "queue")["message"].as_str().unwrap().starts_with("3 are due"), "{report}");
}
