//! Lists that are long, and searches that mean what they say.

use std::collections::HashSet;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::crowd;
use crate::http::{Answer, answer};
use crate::support::{SERVICE_TOKEN, TestApp, sms};

const MESSAGES: &str = "/api/outbound/messages";
/// More than what is counted exactly, and more than what such lists used to end at.
const MANY: u32 = 10_050;

async fn list(app: &TestApp, query: &[(&str, &str)]) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    app.get(&format!("{MESSAGES}?{query}"), &app.admin()).await
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The texts that a query finds, in order of creation.
async fn texts(app: &TestApp, query: &[(&str, &str)]) -> Vec<String> {
    let page = list(app, query).await.expect(200);
    assert_eq!(page["total"], page["items"].as_array().unwrap().len(), "{query:?}");
    let text = |item: &Value| item["renderedText"].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().rev().map(text).collect()
}

#[tokio::test]
async fn pages_go_on_past_ten_thousand_and_a_cursor_is_steady_while_rows_arrive() {
    let app = TestApp::start().await;
    let mut all = crowd::queue(&app, MANY).await;
    app.database.connect().await.batch_execute("analyze").await.unwrap();
    all.sort_unstable();
    all.reverse();

    // By number.
    let by_number = async |page: u32| {
        let page = page.to_string();
        list(&app, &[("page", &page), ("pageSize", "100")]).await.expect(200)
    };
    let last = by_number(101).await;
    assert_eq!(ids(&last), all[10_000..]);
    assert_eq!((&last["page"], &last["nextCursor"]), (&json!(101), &Value::Null));
    assert_eq!(last["totalIsEstimate"], true);
    let total = last["total"].as_u64().unwrap();
    assert!((9_500..=10_600).contains(&total), "{total}");
    let beyond = by_number(102).await;
    assert_eq!((ids(&beyond), &beyond["total"]), (Vec::new(), &last["total"]));
    // What is narrowed enough is counted.
    let narrowed = list(&app, &[("channel", "SMS"), ("priority", "HIGH")]).await.expect(200);
    assert_eq!(narrowed["totalIsEstimate"], false);
    let expected = app.database.connect().await;
    let expected = expected
        .query_one("select count(*) from outbound_delivery where channel = 'SMS' and priority = 1", &[]);
    assert_eq!(narrowed["total"], expected.await.unwrap().get::<_, i64>(0));

    // By cursor, to the very end, while others write.
    let mut seen = Vec::new();
    let mut page = list(&app, &[("pageSize", "100")]).await.expect(200);
    loop {
        seen.extend(ids(&page));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        if seen.len() % 1_000 == 0 {
            app.create(sms(u32::try_from(seen.len()).unwrap())).await;
        }
        page = list(&app, &[("pageSize", "100"), ("cursor", cursor)]).await.expect(200);
        assert!(page["page"].is_null());
    }
    assert_eq!(seen, all);
    let first = ids(&list(&app, &[]).await.expect(200));
    assert!(!first.iter().take(10).any(|id| all.contains(id)), "the new ones lead the list");
}

#[tokio::test]
async fn a_search_finds_what_it_says_in_recipient_template_and_text_and_nothing_is_a_wildcard() {
    let app = TestApp::start().await;
    let template =
        json!({"key": "nhac_hoc-phi", "title": "Học phí", "channel": "ZALO", "body": "Đến hạn {{ what }}"});
    app.post("/api/outbound/templates", &app.admin(), &template).await.expect(201);
    for (number, text) in [
        (1, "Giảm 50% học phí"),
        (2, "Giảm 50 phần trăm"),
        (3, "lop_hoc A1"),
        (4, "lop-hoc A1"),
        (5, r"đường C:\hoc"),
        (6, "đường C:/hoc"),
    ] {
        app.create(json!({"channel": "SMS", "to": format!("090123456{number}"), "text": text})).await;
    }
    app.create(json!({
        "channel": "ZALO", "to": "0987654321", "templateKey": "nhac_hoc-phi", "variables": {"what": "hôm nay"},
    }))
    .await;
    let table: [(&str, &[&str]); 18] = [
        ("50%", &["Giảm 50% học phí"]),
        ("%", &["Giảm 50% học phí"]),
        ("5%0", &[]),
        ("lop_hoc", &["lop_hoc A1"]),
        // Words are found by their beginnings.
        ("p_h", &[]),
        ("_h", &["lop_hoc A1", "Đến hạn hôm nay"]),
        ("lop a1", &["lop_hoc A1", "lop-hoc A1"]),
        // Without diacritics too, and with a part of the number.
        ("giam phan 4562", &["Giảm 50 phần trăm"]),
        (r"C:\hoc", &[r"đường C:\hoc"]),
        (r"\", &[r"đường C:\hoc"]),
        ("GIẢM", &["Giảm 50% học phí", "Giảm 50 phần trăm"]),
        // As some keyboards write it.
        ("gia\u{309}m 50%", &["Giảm 50% học phí"]),
        ("+84901234562", &["Giảm 50 phần trăm"]),
        ("090 123 4562", &["Giảm 50 phần trăm"]),
        ("987654", &["Đến hạn hôm nay"]),
        ("NHAC_HOC-PHI", &["Đến hạn hôm nay"]),
        ("hôm", &["Đến hạn hôm nay"]),
        ("'; drop table outbound_message --", &[]),
    ];
    for (q, expected) in table {
        assert_eq!(texts(&app, &[("q", q)]).await, expected, "{q}");
    }
    // What `%` would have matched is not cancelled either.
    let body = json!({"filter": {"q": "50%"}});
    let done = app.post("/api/outbound/messages/cancel", &app.admin(), &body).await.expect(200);
    assert_eq!(done["changed"], 1);
}

#[tokio::test]
async fn days_are_those_of_the_local_calendar_and_both_ends_are_included() {
    let app = TestApp::start().await;
    // A second before and at local midnight, and a day on.
    app.clock.stand_still_at("2027-01-03T16:59:59Z".parse().unwrap());
    for (number, day) in [(1, "3rd"), (2, "4th"), (3, "5th")] {
        app.create(json!({"channel": "SMS", "to": format!("090123456{number}"), "text": day})).await;
        let next = if number == 1 { TimeDelta::seconds(1) } else { TimeDelta::days(1) };
        app.clock.advance(next);
    }
    let table: [(&str, &str, &[&str]); 6] = [
        ("2027-01-04", "2027-01-04", &["4th"]),
        ("2027-01-03", "2027-01-04", &["3rd", "4th"]),
        ("", "2027-01-03", &["3rd"]),
        ("2027-01-05", "", &["5th"]),
        ("", "", &["3rd", "4th", "5th"]),
        ("2027-01-06", "2027-02-01", &[]),
    ];
    for (from, to, expected) in table {
        assert_eq!(texts(&app, &[("from", from), ("to", to)]).await, expected, "{from} to {to}");
    }
    for (from, to, path) in [
        ("2027-02-29", "", "from"),
        ("", "2027-13-01", "to"),
        ("2027-01-05", "2027-01-04", "to"),
        ("04/01/2027", "", "from"),
        ("2027-01-04T00:00:00Z", "", "from"),
    ] {
        let refused = list(&app, &[("from", from), ("to", to)]).await.expect(400);
        assert_eq!(refused["error"]["details"][0]["path"], path, "{refused}");
    }
}

#[tokio::test]
async fn every_filter_narrows_and_an_empty_one_does_not() {
    let app = TestApp::start().await;
    let contacts = json!({"contacts": [
        {"leadId": "l1", "phone": "0901234561", "fullName": "Lan"}, {"studentId": "s1", "phone": "0901234562"},
    ]});
    let push = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    answer(push.json(&contacts)).await.expect(200);
    let job =
        json!({"channel": "FB", "to": "1234567890123456", "text": "job", "ownerId": "u2", "branchId": "b2"});
    let job = app.post("/api/outbound/jobs", &app.admin(), &job).await.expect(201);
    let job = job["outboundJob"]["id"].as_str().unwrap().to_owned();
    app.create(json!({"channel": "SMS", "leadId": "l1", "text": "lead", "priority": "HIGH"})).await;
    app.create(json!({"channel": "SMS", "studentId": "s1", "text": "student", "priority": "LOW"})).await;
    app.create(
        json!({"channel": "SMS", "to": "0901234561", "text": "lead", "ownerId": "u1", "branchId": "b1"}),
    )
    .await;
    let dead =
        app.create(json!({"channel": "SMS", "to": "0901234564", "text": "dead", "priority": "HIGH"})).await;
    let path = format!("{MESSAGES}/{dead}/cancel");
    app.post(&path, &app.admin(), &json!({})).await.expect(200);
    for (name, value, count) in [
        ("status", "CANCELLED", 1),
        ("status", "QUEUED", 4),
        ("status", "SENT", 0),
        ("channel", "FB", 1),
        ("channel", "CALL_NOTE", 0),
        ("priority", "HIGH", 2),
        ("priority", "LOW", 1),
        ("leadId", "l1", 1),
        ("leadId", "L1", 0),
        ("studentId", "s1", 1),
        ("ownerId", "u2", 1),
        ("branchId", "b1", 1),
        ("jobId", job.as_str(), 1),
        ("failureKind", "DEAD", 0),
        ("q", "lead", 2),
    ] {
        let page = list(&app, &[(name, value)]).await.expect(200);
        assert_eq!(page["total"], count, "{name}={value}");
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{name}={value}");
    }
    let narrowed = list(&app, &[("channel", "SMS"), ("priority", "HIGH"), ("status", "QUEUED")]).await;
    assert_eq!(narrowed.expect(200)["total"], 1);
    let nothing = [
        "status",
        "failureKind",
        "channel",
        "priority",
        "from",
        "to",
        "q",
        "leadId",
        "studentId",
        "ownerId",
        "branchId",
        "jobId",
        "page",
        "pageSize",
        "cursor",
    ]
    .map(|name| (name, ""));
    let page = list(&app, &nothing).await.expect(200);
    assert_eq!((&page["total"], &page["page"], &page["pageSize"]), (&json!(5), &json!(1), &json!(20)));
    assert_eq!(page["totalIsEstimate"], false);
}

#[tokio::test]
async fn sizes_are_cut_and_what_is_no_number_is_named() {
    let app = TestApp::start().await;
    crowd::queue(&app, 150).await;
    for (size, shown) in [("1", 1), ("100", 100), ("101", 100), ("99999999999999999999999", 100)] {
        let page = list(&app, &[("pageSize", size)]).await.expect(200);
        assert_eq!((page["pageSize"].as_u64(), ids(&page).len()), (Some(shown), shown as usize), "{size}");
        assert_eq!(page["total"], 150, "{size}");
    }
    for number in ["9", "4294967295", "99999999999999999999999"] {
        let page = list(&app, &[("page", number), ("pageSize", "100")]).await.expect(200);
        assert_eq!((ids(&page).len(), &page["total"]), (0, &json!(150)), "{number}");
    }
    let mut both = HashSet::new();
    for number in ["1", "2"] {
        both.extend(ids(&list(&app, &[("page", number), ("pageSize", "100")]).await.expect(200)));
    }
    assert_eq!(both.len(), 150, "two pages have no message in common");
    let wrong = [("page", "-1"), ("pageSize", "0"), ("cursor", "x")];
    let refused = list(&app, &wrong).await.expect(400);
    let details = refused["error"]["details"].as_array().unwrap();
    assert_eq!(
        details.iter().map(|one| one["path"].as_str().unwrap()).collect::<Vec<_>>(),
        ["page", "cursor", "pageSize"]
    );
}
