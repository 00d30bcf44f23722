//! How much of the queue each user sees and acts on.

use std::collections::BTreeMap;

use domain::access::Role;
use serde_json::{Value, json};
use test_support::scripted_n8n::Reaction;

use super::outcome;
use crate::http::Answer;
use crate::support::TestApp;

/// How much each user sees and acts on, of five messages that have a job each; `F` where they may not at all.
///
/// The messages are `u1`'s and `u2`'s in `b1`, `u3`'s and `u1`'s in `b2`, and one that is nobody's.
const SEEN: &str = "
ROLE        SUB BRANCH messages stats jobs cancel requeue dispatch
admin       a1  -      5        5     5    5      5       5
admin       a1  b1     5        5     5    5      5       5
direct_page p1  -      5        5     5    F      F       F
direct_page p1  b1     5        5     5    F      F       F
manager     m1  b1     2        2     2    2      2       2
manager     m2  b2     2        2     2    2      2       2
manager     u3  -      1        1     1    1      1       1
manager     m3  b3     0        0     0    0      0       0
telesales   u1  -      2        2     2    2      2       2
telesales   u1  b1     1        1     1    1      1       1
telesales   u2  b2     0        0     0    0      0       0
telesales   u4  b1     0        0     0    0      0       0
viewer      v1  b1     F        F     2    F      F       F
viewer      u1  -      F        F     2    F      F       F
";

const OWNED: [(Option<&str>, Option<&str>); 5] = [
    (Some("u1"), Some("b1")),
    (Some("u2"), Some("b1")),
    (Some("u3"), Some("b2")),
    (Some("u1"), Some("b2")),
    (None, None),
];

#[tokio::test]
async fn lists_counts_and_work_on_many_are_those_of_the_callers_scope() {
    let app = TestApp::builder()
        .script(|_| Reaction::settled(&json!({"status": "FAILED", "error": "máy bận", "permanent": true})))
        .start()
        .await;
    let mut ids = Vec::new();
    for (n, (owner, branch)) in OWNED.into_iter().enumerate() {
        let body = json!({
            "channel": "SMS", "to": "0901234567", "text": format!("Chào {n}"), "ownerId": owner, "branchId": branch,
        });
        let made = app.post("/api/outbound/jobs", &app.admin(), &body).await.expect(201);
        ids.push(made["outboundMessage"]["id"].as_str().unwrap().to_owned());
    }
    let mut lines = SEEN.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    for line in lines {
        let branch = Some(line[2]).filter(|branch| *branch != "-");
        let token = app.token(line[0].parse().unwrap(), line[1], branch);
        let seen = Seen { app: &app, token: &token, ids: &ids };
        let found = seen.counts().await;
        let expected: BTreeMap<_, _> =
            columns[3..].iter().copied().zip(line[3..].iter().map(|cell| cell.to_string())).collect();
        assert_eq!(found, expected, "{line:?}");
    }
}

/// What one user sees and acts on.
struct Seen<'a> {
    app: &'a TestApp,
    token: &'a str,
    ids: &'a [String],
}

impl Seen<'_> {
    async fn counts(&self) -> BTreeMap<&'static str, String> {
        let mut counts = BTreeMap::new();
        counts.insert("messages", self.listed("/api/outbound/messages").await);
        counts.insert("jobs", self.listed("/api/outbound/jobs").await);
        counts.insert("stats", self.stats().await);
        // Each acts on what the one before it left, and in the end all is as it was.
        counts.insert("cancel", self.act("cancel", "QUEUED").await);
        counts.insert("requeue", self.act("requeue", "CANCELLED").await);
        counts.insert("dispatch", self.dispatch().await);
        counts
    }

    /// How many a list has, by its total and by its items.
    async fn listed(&self, path: &str) -> String {
        let answered = self.app.get(path, self.token).await;
        count(&answered, |body| {
            assert_eq!(body["total"], body["items"].as_array().unwrap().len(), "{path}");
            &body["total"]
        })
    }

    async fn stats(&self) -> String {
        let answered = self.app.get("/api/outbound/stats", self.token).await;
        count(&answered, |body| {
            let waiting = body["waitingByChannel"]["SMS"].clone();
            assert_eq!(waiting, body["waitingByPriority"]["MEDIUM"]);
            assert_eq!(body["byStatus"]["QUEUED"], waiting);
            assert_eq!(body["oldestDueAt"].is_null(), waiting == 0);
            &body["byStatus"]["QUEUED"]
        })
    }

    /// Cancels or requeues by filter, has an admin undo that, and does it again by ids.
    async fn act(&self, act: &str, from: &str) -> String {
        let path = format!("/api/outbound/messages/{act}");
        let by_filter = self.app.post(&path, self.token, &json!({"filter": {"status": from}})).await;
        let by_filter = count(&by_filter, |body| &body["changed"]);
        let (undo, to) = if act == "cancel" { ("requeue", "CANCELLED") } else { ("cancel", "QUEUED") };
        let undo = format!("/api/outbound/messages/{undo}");
        let undoing = json!({"filter": {"status": to}});
        self.app.post(&undo, &self.app.admin(), &undoing).await.expect(200);
        let by_ids = self.app.post(&path, self.token, &json!({"ids": self.ids})).await;
        let by_ids = count(&by_ids, |body| {
            let refused = body["refused"].as_array().unwrap();
            assert!(refused.iter().all(|one| one["code"] == "NOT_FOUND"), "{body}");
            assert_eq!(body["changed"].as_u64().unwrap() as usize + refused.len(), self.ids.len());
            &body["changed"]
        });
        assert_eq!(by_filter, by_ids, "{act}");
        // The others' too, so that the next act finds all in one status.
        let rest = json!({"filter": {"status": from}});
        self.app.post(&path, &self.app.admin(), &rest).await.expect(200);
        by_filter
    }

    async fn dispatch(&self) -> String {
        let before = self.app.n8n.log().hand_offs.len();
        let answered = self.app.post("/api/outbound/dispatch", self.token, &json!({})).await;
        let count = count(&answered, |body| {
            assert_eq!(body["remainingEstimate"], 0, "what is left is not told to those who do not see it");
            &body["total"]
        });
        let handed_off = self.app.n8n.log().hand_offs.len() - before;
        assert_eq!(count.parse().unwrap_or(0), handed_off);
        let all = json!({"filter": {"status": "FAILED"}});
        self.app.post("/api/outbound/messages/requeue", &self.app.admin(), &all).await.expect(200);
        count
    }
}

/// A number of an answer, or `F`.
fn count(answered: &Answer, number: impl FnOnce(&Value) -> &Value) -> String {
    match answered.status {
        200 => number(&answered.body).to_string(),
        _ => {
            assert_eq!(outcome("", answered), (403, "AUTH_FORBIDDEN".to_owned()));
            "F".to_owned()
        }
    }
}

#[tokio::test]
async fn a_filter_opens_nothing_beyond_the_scope() {
    let app = TestApp::start().await;
    let message = |owner: &str, branch: &str| json!({"channel": "SMS", "to": "0901234567", "text": format!("{owner} {branch}"), "ownerId": owner, "branchId": branch});
    for (owner, branch) in [("u1", "b1"), ("u2", "b2")] {
        app.create(message(owner, branch)).await;
    }
    let telesales = app.token(Role::Telesales, "u1", None);
    let manager = app.token(Role::Manager, "m1", Some("b1"));
    for (token, filter, value) in [(&telesales, "ownerId", "u2"), (&manager, "branchId", "b2")] {
        let list = app.get(&format!("/api/outbound/messages?{filter}={value}"), token).await.expect(200);
        assert_eq!(list["total"], 0, "{filter}");
        for act in ["cancel", "requeue"] {
            let body = json!({"filter": {filter: value}});
            let done = app.post(&format!("/api/outbound/messages/{act}"), token, &body).await.expect(200);
            assert_eq!((&done["changed"], &done["refused"]), (&json!(0), &json!(0)), "{act} {filter}");
        }
    }
    assert_eq!(app.count("QUEUED").await, 2);
}
