//! The workflows as a shell and the pages hand them out.

use std::collections::BTreeMap;

use domain::access::Role;
use reqwest::Method;
use serde_json::Value;

use crate::process::{Scratch, run, text};
use crate::support::{TestApp, settings};

const WEBHOOK: &str = "https://n8n.example.vn/webhook/crm/outbound";
const BASE: &str = "https://crm.example.vn";
const FILES: [&str; 5] =
    ["1-run-worker.json", "2-receive-and-send.json", "3-pull-and-send.json", "4-jobs.json", "5-errors.json"];

/// What no workflow may hold: where this one runs, and what only N8N's credentials may know.
fn assert_is_fit_to_be_handed_out(file: &str, json: &str, settings: &BTreeMap<String, String>) {
    let read: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(read["nodes"].is_array() && read["connections"].is_object(), "{file}");
    for local in ["127.0.0.1", "localhost", "host.docker.internal"] {
        assert!(!json.contains(local), "{file} holds {local}");
    }
    for (name, value) in settings {
        if name.contains("SECRET") || name.contains("TOKEN") || name == "DATABASE_URL" {
            for secret in value.split(',') {
                assert!(!json.contains(secret), "{file} holds {name}");
            }
        }
    }
}

/// Where the files say that things are.
fn assert_has_the_addresses(files: &BTreeMap<String, String>) {
    assert!(files.keys().eq(FILES.iter()), "{:?}", files.keys());
    for (file, path) in [
        ("1-run-worker.json", "/api/worker/outbound"),
        ("2-receive-and-send.json", "/api/outbound/callback"),
        ("3-pull-and-send.json", "/api/worker/outbound"),
        ("3-pull-and-send.json", "/api/outbound/callback"),
        ("4-jobs.json", "/api/outbound/jobs"),
        ("5-errors.json", "/api/outbound/callback"),
    ] {
        assert!(files[file].contains(&format!("{BASE}{path}")), "{file}: {path}");
    }
    let receiver = &files["2-receive-and-send.json"];
    assert!(receiver.contains(WEBHOOK) && receiver.contains(r#""path": "crm/outbound""#));
}

/// The settings of a server with every secret, two of one kind among them.
fn with_secrets(app: &TestApp) -> BTreeMap<String, String> {
    let mut values = settings(app.database.url(), &app.n8n.url());
    values.insert("N8N_WEBHOOK_SECRET".to_owned(), "a-new-webhook-secret,an-old-webhook-secret".to_owned());
    values
}

#[tokio::test]
async fn the_command_writes_every_workflow_with_the_addresses_and_no_secret() {
    let app = TestApp::start().await;
    let (values, folder) = (with_secrets(&app), Scratch::new("n8n-export"));
    let out = folder.path().join("made/here");
    let export =
        ["n8n", "export", "--webhook-url", WEBHOOK, "--base-url", BASE, "--out", out.to_str().unwrap()];
    let ended = run(&values, &export).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let files: BTreeMap<_, _> = std::fs::read_dir(&out)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap()))
        .collect();
    assert_has_the_addresses(&files);
    for (file, json) in &files {
        assert!(text(&ended.stdout).contains(file), "{file} is not told of");
        assert_is_fit_to_be_handed_out(file, json, &values);
    }
    let wrong = ["n8n", "export", "--webhook-url", "n8n.example.vn", "--base-url", BASE];
    let refused = run(&values, &wrong).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("webhook-url"), "{}", text(&refused.stderr));
}

async fn page(app: &TestApp, path: &str, role: Role) -> (u16, String) {
    let cookie = format!("access_token={}", app.token(role, "u1", Some("b1")));
    let answer = app.request(Method::GET, path).header("cookie", cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_page_hands_every_workflow_to_an_admin_with_the_addresses_of_the_settings() {
    let app = TestApp::builder()
        .set("N8N_WEBHOOK_URL", WEBHOOK)
        .set("PUBLIC_URL", BASE)
        .set("N8N_WEBHOOK_SECRET", "a-new-webhook-secret,an-old-webhook-secret")
        .start()
        .await;
    let (status, html) = page(&app, "/outbound/worker", Role::Admin).await;
    assert_eq!(status, 200);
    let mut files = BTreeMap::new();
    for file in FILES {
        // Its own link, as it stands in the page.
        let from = html.find(&format!("/outbound/worker/n8n/{file}")).unwrap_or_else(|| panic!("no {file}"));
        let link = html[from..].split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        let (status, json) = page(&app, &link, Role::Admin).await;
        assert_eq!(status, 200, "{link}");
        assert_is_fit_to_be_handed_out(file, &json, &with_secrets(&app));
        files.insert(file.to_owned(), json);
    }
    assert_has_the_addresses(&files);
    let elsewhere =
        "/outbound/worker/n8n/1-run-worker.json?webhook=https://other.vn/webhook/x&base=https://b.vn";
    let (_, json) = page(&app, elsewhere, Role::Admin).await;
    assert!(json.contains("https://b.vn/api/worker/outbound") && !json.contains(BASE), "the form's count");
    assert_eq!(page(&app, "/outbound/worker/n8n/6-none.json", Role::Admin).await.0, 404);
}

#[tokio::test]
async fn nobody_but_an_admin_gets_the_workflows() {
    let app = TestApp::builder().set("N8N_WEBHOOK_URL", WEBHOOK).set("PUBLIC_URL", BASE).start().await;
    for role in [Role::Manager, Role::Telesales, Role::DirectPage, Role::Viewer] {
        for file in FILES {
            let (status, said) = page(&app, &format!("/outbound/worker/n8n/{file}"), role).await;
            assert_eq!(status, 403, "{role:?} {file}");
            assert!(!said.contains("nodes"), "{said}");
        }
    }
    let (status, html) = page(&app, "/outbound/worker", Role::Manager).await;
    assert!(status == 200 && !html.contains("/outbound/worker/n8n/"), "a manager sees no link to them");
}
