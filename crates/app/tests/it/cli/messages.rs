//! `outbound requeue`, `cancel`, `explain` and `stats`.

use nix::unistd::{User, getuid};
use serde_json::{Value, json as object};

use super::{beside, json};
use crate::crowd;
use crate::process::{run, text};
use crate::support::{TestApp, kinds, sms};

/// Whoever runs the tests, as the timeline names them.
fn me() -> String {
    format!("cli:{}", User::from_uid(getuid()).unwrap().unwrap().name)
}

#[tokio::test]
async fn messages_are_cancelled_and_requeued_by_id_in_the_name_of_the_system_s_user() {
    let app = TestApp::start().await;
    let (waiting, sent) = (app.create(sms(1)).await, app.create(sms(2)).await);
    app.callback(&object!({"messageId": sent, "status": "SENT"})).await;
    let values = beside(&app);
    let rehearsed = json(&values, &["cancel", &waiting, "--dry-run", "--json"]).await;
    assert_eq!((rehearsed.0, &rehearsed.1["changed"]), (0, &object!(1)), "{rehearsed:?}");
    assert_eq!(app.message(&waiting).await["outboundMessage"]["status"], "QUEUED");

    let said = run(&values, &["cancel", &waiting]).await;
    assert_eq!(text(&said.stdout), format!("{waiting}  cancelled\n"));
    let unknown = "0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e";
    let (code, report) = json(&values, &["requeue", &waiting, unknown, "--json"]).await;
    assert_eq!((code, &report["changed"], &report["ok"]), (1, &object!(1), &object!(false)), "{report}");
    assert_eq!(report["refused"], object!([{"id": unknown, "message": "there is no such message"}]));

    let message = app.message(&waiting).await;
    assert_eq!(kinds(&message), ["CREATED", "CANCELLED", "REQUEUED"]);
    let by: Vec<&Value> = message["timeline"].as_array().unwrap().iter().map(|line| &line["by"]).collect();
    assert_eq!(by, [&object!("user:admin"), &object!(me()), &object!(me())]);
    app.run_worker(object!({})).await;
    app.wait_for_status(&waiting, "SENT").await;
    let refused = run(&values, &["requeue", &waiting]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stdout).contains("refused: "), "{}", text(&refused.stdout));
}

#[tokio::test]
async fn all_that_match_are_cancelled_and_a_dry_run_counts_the_same_and_changes_nothing() {
    let app = TestApp::start().await;
    crowd::queue(&app, 2_500).await;
    let values = beside(&app);
    let select = ["cancel", "--status", "queued", "--channel", "SMS", "--owner", "u2", "--json"];
    let (_, rehearsed) = json(&values, &[&select[..], &["--dry-run"]].concat()).await;
    assert_eq!(rehearsed, object!({"ok": true, "dryRun": true, "changed": 125, "refused": 0}));
    assert_eq!(app.count("CANCELLED").await, 0);
    let (code, done) = json(&values, &select).await;
    assert_eq!((code, &done["changed"], &done["dryRun"]), (0, &object!(125), &object!(false)));
    assert_eq!(app.count("CANCELLED").await, 125);

    let (_, all) = json(&values, &["requeue", "--all", "--dry-run", "--json"]).await;
    assert_eq!(
        (&all["changed"], &all["refused"]),
        (&object!(125), &object!(2_375)),
        "what waits can't be requeued"
    );
    for wrong in [&["requeue", "--dry-run"][..], &["cancel", "--from", "2026-02-02", "--to", "2026-02-01"]] {
        assert_eq!(run(&values, wrong).await.status.code(), Some(1), "{wrong:?}");
    }
    let both = run(&values, &["cancel", "0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e", "--all"]).await;
    assert_eq!(both.status.code(), Some(2), "ids and a filter");
    let typo = text(&run(&values, &["cancel", "--status", "WAITING"]).await.stderr);
    assert!(typo.contains("QUEUED") && typo.contains("CANCELLED"), "{typo}");
}

#[tokio::test]
async fn explain_and_stats_say_what_the_api_says() {
    let app = TestApp::builder().set("OPS_QUIET_HOURS", "00:00-23:59").start().await;
    let id = app.create(sms(1)).await;
    let mut values = beside(&app);
    values.insert("OPS_QUIET_HOURS".to_owned(), "00:00-23:59".to_owned());
    let (code, mut told) = json(&values, &["explain", &id, "--json"]).await;
    let mut api = app.message(&id).await;
    // The clock of a test's server is its own.
    for either in [&mut told, &mut api] {
        for reason in either["explain"]["reasons"].as_array_mut().unwrap() {
            reason.as_object_mut().unwrap().retain(|name, _| name == "code");
        }
        either["explain"].as_object_mut().unwrap().remove("expectedAt");
    }
    assert_eq!((code, &told), (0, &api));
    let plain = text(&run(&values, &["explain", &id, "--language", "vi"]).await.stdout);
    assert!(plain.contains("QUIET_HOURS  Đang trong giờ yên lặng") && plain.contains("CREATED"), "{plain}");
    assert!(plain.contains("Expected to go: ") && !plain.contains("0900000001"), "{plain}");
    let nobody = run(&values, &["explain", "0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e"]).await;
    assert!(nobody.status.code() == Some(1) && text(&nobody.stderr).contains("there is no message"));

    let (_, stats) = json(&values, &["stats", "--json"]).await;
    let api = app.get("/api/outbound/stats", &app.admin()).await.expect(200);
    assert_eq!(
        (&stats["byStatus"], &stats["waitingByChannel"]),
        (&api["byStatus"], &api["waitingByChannel"])
    );
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stats), names(&api));
    let plain = text(&run(&values, &["stats"]).await.stdout);
    assert!(
        plain.lines().any(|line| line.starts_with("byStatus.QUEUED ") && line.ends_with(" 1")),
        "{plain}"
    );
}
