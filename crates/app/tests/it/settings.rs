//! The settings, as whoever starts the binary meets them.

use std::collections::BTreeMap;

use app::clock::SystemClock;
use domain::ports::Clock as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::process::{Scratch, run, text};

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn bad_settings_stop_the_server_with_a_line_each_before_it_does_anything() {
    let folder = Scratch::new("bad-settings");
    let data_dir = folder.path().join("data");
    let bad = environment(&[
        ("WORKER_BATCH_SIZE", "lots"),
        ("WORKER_LEASE_SECONDS", "12"),
        ("OPS_TZ", "Hà Nội"),
        ("JWT_SECRET", "secret-one,secret-two,secret-three"),
    ]);
    let ended = run(&bad, &["--data-dir", data_dir.to_str().unwrap(), "serve"]).await;
    assert_eq!(ended.status.code(), Some(2));
    let said = text(&ended.stderr);
    let names: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["JWT_SECRET", "WORKER_BATCH_SIZE", "OPS_TZ", "WORKER_LEASE_SECONDS"], "{said}");
    assert!(
        said.contains("\"lots\": it takes a whole number from 1 to 200") && !said.contains("secret-one"),
        "{said}"
    );
    assert!(!data_dir.exists() && ended.stdout.is_empty());
}

#[tokio::test]
async fn config_prints_every_setting_with_its_source_and_masks_secrets() {
    let folder = Scratch::new("config");
    std::fs::write(folder.path().join("secrets.env"), "JWT_SECRET=made-up-and-secret\n").unwrap();
    let set = environment(&[("WORKER_SECRET", "mine-and-secret"), ("CIRCUIT_FAILURES", "7")]);
    let printed = run(&set, &["--data-dir", folder.text(), "config"]).await;
    let table = text(&printed.stdout);
    assert!(
        printed.status.success() && !table.contains("secret\n") && !table.contains("-and-secret"),
        "{table}"
    );
    let line = |name: &str| table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    assert!(line("JWT_SECRET").ends_with("generated") && line("WORKER_SECRET").ends_with("environment"));
    assert!(line("CIRCUIT_FAILURES").contains(" 7 ") && line("RETRY_BACKOFF").ends_with("default"));
    assert_eq!(table.lines().count(), app::settings::variables::TABLE.len());

    let json = run(&set, &["--data-dir", folder.text(), "config", "--json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let worker = json.as_array().unwrap().iter().find(|one| one["name"] == "WORKER_SECRET").unwrap();
    assert_eq!((&worker["value"], &worker["source"]), (&"********".into(), &"environment".into()));

    let bad =
        run(&environment(&[("CIRCUIT_FAILURES", "none")]), &["--data-dir", folder.text(), "config"]).await;
    assert_eq!(bad.status.code(), Some(2));
    assert!(text(&bad.stderr).starts_with("CIRCUIT_FAILURES"));
}

#[tokio::test]
async fn the_server_keeps_generated_secrets_to_this_machine() {
    let folder = Scratch::new("open-to-all");
    let ended = run(&environment(&[]), &["--data-dir", folder.text(), "serve", "--bind", "0.0.0.0:0"]).await;
    let said = text(&ended.stderr);
    assert_eq!((ended.status.code(), said.lines().count()), (Some(2), 4), "{said}");
    assert!(said.contains("JWT_SECRET") && said.contains("WORKER_SECRET"));
}

#[tokio::test]
async fn the_demo_with_its_logins_by_one_click_keeps_to_this_machine() {
    let secrets = [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("JWT_SECRET", "4f1c77a09be25d83"),
        ("N8N_CALLBACK_SECRET", "6a91d2c3b4e5f607"),
    ];
    let ended = run(&environment(&secrets), &["serve", "--demo", "--bind", "0.0.0.0:0"]).await;
    let said = text(&ended.stderr);
    assert_eq!((ended.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("--demo") && said.contains("BIND_ADDR"), "{said}");
}

#[tokio::test]
async fn help_names_the_commands_and_a_token_needs_a_secret() {
    let help = text(&run(&environment(&[]), &["--help"]).await.stdout);
    for command in ["serve", "migrate", "config", "token", "--data-dir"] {
        assert!(help.contains(command), "{help}");
    }
    let ended =
        run(&environment(&[]), &["--data-dir", "/nonexistent", "token", "--role", "admin", "--sub", "a"])
            .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("outbound serve"));
    let typo = run(&environment(&[]), &["token", "--role", "boss", "--sub", "a"]).await;
    assert!(text(&typo.stderr).contains("admin, manager, telesales, direct_page, viewer"));
}

#[tokio::test]
async fn a_token_says_who_it_is_for_and_is_good_for_eight_hours_unless_told_otherwise() {
    let secret = "first-of-two-secrets-of-the-tests";
    let values = environment(&[("JWT_SECRET", &format!("{secret},the-other-of-the-two-secrets"))]);
    let claims = async |options: &[&str]| {
        let before = SystemClock.now().timestamp();
        let printed = run(&values, &[&["--data-dir", "/nonexistent", "token"], options].concat()).await;
        let token = text(&printed.stdout);
        let key = DecodingKey::from_secret(secret.as_bytes());
        let checks = Validation::new(Algorithm::HS256);
        let mut claims = jsonwebtoken::decode::<Value>(token.trim(), &key, &checks).unwrap().claims;
        let taken = |claims: &mut Value, name: &str| claims.as_object_mut().unwrap().remove(name).unwrap();
        let (issued, until) = (taken(&mut claims, "iat"), taken(&mut claims, "exp"));
        let (issued, until) = (issued.as_i64().unwrap(), until.as_i64().unwrap());
        assert!((before..=SystemClock.now().timestamp()).contains(&issued), "{issued}");
        (claims, until - issued)
    };
    let plain = claims(&["--role", "telesales", "--sub", "u1"]).await;
    assert_eq!(plain, (json!({"role": "telesales", "sub": "u1"}), 8 * 3_600));
    let whole =
        ["--role", "manager", "--sub", "m1", "--branch", "b1", "--name", "Hoàng Thu Trang", "--ttl", "30m"];
    let named = json!({"role": "manager", "sub": "m1", "branchId": "b1", "name": "Hoàng Thu Trang"});
    assert_eq!(claims(&whole).await, (named, 1_800));
    let none = run(&values, &["token", "--role", "admin", "--sub", "a", "--ttl", "0s"]).await;
    assert_eq!(none.status.code(), Some(2), "{}", text(&none.stderr));
}
