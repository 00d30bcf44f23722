//! Ten thousand recipients in one request (contract §9).

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, answer};
use crate::support::TestApp;

const BULK: &str = "/api/outbound/messages/bulk";
const MANY: usize = 10_000;
/// Where the bad rows are.
const BAD: [usize; 3] = [0, 4_321, 9_999];

/// Ten thousand recipients, three of them bad in ways of their own.
fn recipients() -> Vec<Value> {
    let mut rows: Vec<_> = (0..MANY).map(|n| json!({"to": format!("0901{n:06}")})).collect();
    rows[BAD[0]] = json!({"to": "123"});
    rows[BAD[1]] = json!({"leadId": "nobody"});
    rows[BAD[2]] = json!("0901234567");
    rows
}

fn to_all(recipients: Vec<Value>) -> Value {
    json!({"channel": "SMS", "text": "Lớp học bắt đầu lúc 18:00", "recipients": recipients})
}

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path).bearer_auth(app.admin()).header("idempotency-key", key);
    answer(request.json(body)).await
}

async fn number(app: &TestApp, sql: &str) -> i64 {
    app.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[track_caller]
fn assert_rejected(answer: &Value) {
    let rejected = answer["rejected"].as_array().unwrap();
    let places: Vec<_> = rejected.iter().map(|row| row["index"].as_u64().unwrap() as usize).collect();
    assert_eq!(places, BAD);
    let codes: Vec<_> = rejected.iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["VALIDATION_ERROR", "NOT_FOUND", "VALIDATION_ERROR"]);
    for (row, names) in rejected.iter().zip(["to: ", "leadId: ", "an object"]) {
        assert!(row["message"].as_str().unwrap().contains(names), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_recipients_with_three_bad_rows_are_queued_in_one_transaction_and_a_dry_run_says_the_same()
 {
    let app = TestApp::start().await;
    let body = to_all(recipients());
    let rows = "select count(*) from outbound_message";

    let dry = app.post(&format!("{BULK}?dryRun=true"), &app.admin(), &body).await.expect(200);
    assert_eq!((&dry["created"], &dry["skipped"]), (&json!(MANY - 3), &json!(0)));
    assert_eq!(dry["dryRun"], true);
    assert_rejected(&dry);
    assert_eq!(number(&app, rows).await, 0, "a dry run stores nothing");

    let first = post(&app, BULK, "k1", &body).await;
    assert_eq!(first.status, 201, "{}", first.body["error"]);
    assert_eq!((&first.body["created"], &first.body["skipped"]), (&json!(MANY - 3), &json!(0)));
    assert_rejected(&first.body);
    assert_eq!(number(&app, rows).await, (MANY - 3) as i64);
    // PostgreSQL notes by row which transaction wrote it.
    for table in ["outbound_message", "outbound_delivery"] {
        let writers = format!("select count(distinct xmin::text) from {table}");
        assert_eq!(number(&app, &writers).await, 1, "{table}");
    }

    let again = post(&app, BULK, "k1", &body).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let anew = post(&app, BULK, "k2", &body).await.expect(200);
    assert_eq!((&anew["created"], &anew["skipped"]), (&json!(0), &json!(MANY - 3)));
    let dry = app.post(&format!("{BULK}?dryRun=true"), &app.admin(), &body).await.expect(200);
    assert_eq!((&dry["created"], &dry["skipped"]), (&json!(0), &json!(MANY - 3)));
    assert_eq!(number(&app, rows).await, 2 * (MANY - 3) as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_see_all_of_a_bulk_or_nothing_of_it() {
    let app = TestApp::start().await;
    let rows: Vec<_> = (0..3_000).map(|n| json!({"to": format!("0901{n:06}")})).collect();
    let body = to_all(rows);
    let posting = post(&app, BULK, "k1", &body);
    tokio::pin!(posting);
    let mut seen = Vec::new();
    let posted = loop {
        tokio::select! {
            answer = &mut posting => break answer,
            count = app.count("QUEUED") => seen.push(count),
        }
    };
    assert_eq!(posted.status, 201);
    assert!(seen.iter().all(|count| [0, 3_000].contains(count)), "{seen:?}");
    assert_eq!(app.count("QUEUED").await, 3_000);
}

#[tokio::test]
async fn one_row_too_many_is_refused_as_a_whole() {
    let app = TestApp::start().await;
    let rows: Vec<_> = (0..=MANY).map(|n| json!({"to": format!("0901{n:06}")})).collect();
    for path in [BULK, "/api/outbound/jobs"] {
        let refused = app.post(path, &app.admin(), &to_all(rows.clone())).await.expect(400);
        assert_eq!(refused["error"]["details"][0]["path"], "recipients");
    }
    assert_eq!(number(&app, "select count(*) from outbound_message").await, 0);
}

#[tokio::test]
async fn a_request_that_fails_half_way_leaves_no_orphan_and_its_key_is_free() {
    let app = TestApp::start().await;
    let client = app.database.connect().await;
    // The database refuses one of the rows, after all that was checked before.
    let trap = "
        create function trap() returns trigger language plpgsql as
            $$ begin raise exception 'the trap of %', new.message_id; end $$;
        create trigger trap before insert on outbound_delivery for each row
            when (new.owner_id = 'trapped') execute function trap()";
    client.batch_execute(trap).await.unwrap();
    let rows: Vec<_> = (0..50).map(|n| json!({"to": format!("0901{n:06}")})).collect();
    let many = |owner: &str| {
        let mut body = to_all(rows.clone());
        body["ownerId"] = json!(owner);
        body
    };
    let one = json!({"channel": "SMS", "to": "0901234567", "text": "Chào", "ownerId": "trapped"});
    let requests = [
        ("/api/outbound/messages", &one),
        (BULK, &many("trapped")),
        ("/api/outbound/jobs", &one),
        ("/api/outbound/jobs", &many("trapped")),
    ];
    for (n, (path, body)) in requests.iter().enumerate() {
        for with_key in [false, true] {
            let failed = match with_key {
                true => post(&app, path, &format!("k{n}"), body).await,
                false => app.post(path, &app.admin(), body).await,
            };
            let failed = failed.expect(500);
            assert_eq!(failed["error"]["code"], "INTERNAL_ERROR", "{path}");
            assert!(!failed.to_string().contains("trap"), "no internals: {failed}");
        }
    }
    for table in ["outbound_message", "outbound_delivery", "outbound_job", "outbound_idempotency"] {
        assert_eq!(number(&app, &format!("select count(*) from {table}")).await, 0, "{table}");
    }
    client.batch_execute("drop trigger trap on outbound_delivery").await.unwrap();
    let retried = join_all((0..).zip(requests).map(|(n, (path, body))| {
        let app = &app;
        async move { post(app, path, &format!("k{n}"), body).await.status }
    }))
    .await;
    // The jobs' messages are duplicates of the others, or the others of theirs.
    assert!(retried.iter().all(|status| [200, 201].contains(status)), "{retried:?}");
    let queued = number(&app, "select count(*) from outbound_delivery where status = 'QUEUED'").await;
    assert_eq!(queued, 51);
}
