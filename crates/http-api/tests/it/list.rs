//! The list: filters, pages, days.

use serde_json::json;

use crate::support::TestApi;

async fn ids(api: &TestApi, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/api/outbound/messages?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn the_query_table() {
    let api = TestApi::new();
    for (query, path) in [
        ("status=NEW", "status"),
        ("status=QUEUED,SENT", "status"),
        ("channel=sms", "channel"),
        ("priority=0", "priority"),
        ("failureKind=LOST", "failureKind"),
        ("from=yesterday", "from"),
        ("from=2026-02-30", "from"),
        ("to=2026-5-4", "to"),
        ("from=%2B999-01-01", "from"),
        ("from=-001-01-01", "from"),
        ("status=QUEUED&page=2&status=SENT", "status"),
        ("from=2026-05-05&to=2026-05-04", "to"),
        ("q=a%00b", "q"),
        ("q=%FF", "q"),
        ("leadId=a%00b", "leadId"),
        ("ownerId=a%0Ab", "ownerId"),
        ("jobId=7", "jobId"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=one", "page"),
        ("page=1.5", "page"),
        ("pageSize=0", "pageSize"),
        ("pageSize=-5", "pageSize"),
        ("cursor=x", "cursor"),
    ] {
        let answer = api.get(&format!("/api/outbound/messages?{query}")).await;
        assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(answer.body["error"]["details"][0]["path"], path, "{query}: {}", answer.body);
    }
    let answer = api.get("/api/outbound/messages?status=x&page=0&from=y").await;
    assert_eq!(answer.body["error"]["details"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn empty_values_filter_nothing_unknown_ones_are_ignored_and_sizes_are_cut() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    for query in ["status=&channel=&from=&to=&q=&leadId=&page=&pageSize=&cursor=", "_=1777870800", "q=%20"] {
        assert_eq!(ids(&api, query).await, std::slice::from_ref(&id), "{query}");
    }
    let answer = api.get("/api/outbound/messages?pageSize=100000000000000000000").await;
    assert_eq!(answer.body["pageSize"], 100);
    let answer = api.get("/api/outbound/messages?page=99999999999999999999").await;
    assert_eq!((answer.status.as_u16(), &answer.body["items"]), (200, &json!([])));
    let answer = api.get("/api/outbound/messages").await;
    assert_eq!(
        (&answer.body["page"], &answer.body["pageSize"], &answer.body["total"]),
        (&json!(1), &json!(20), &json!(1))
    );
}

#[actix_web::test]
async fn days_are_local_and_both_ends_are_included() {
    let api = TestApi::new();
    let at = |text: &str| api.clock.set(text.parse().unwrap());
    at("2026-05-03T16:59:59Z");
    let third = api.queued("0901234561").await;
    at("2026-05-03T17:00:00Z");
    let fourth = api.queued("0901234562").await;
    at("2026-05-04T17:00:00Z");
    let fifth = api.queued("0901234563").await;
    at("2026-05-04T05:00:00Z");
    assert_eq!(ids(&api, "from=2026-05-04&to=2026-05-04").await, std::slice::from_ref(&fourth));
    assert_eq!(ids(&api, "to=2026-05-03").await, [third]);
    assert_eq!(ids(&api, "from=2026-05-04").await, [fifth, fourth]);
}

#[actix_web::test]
async fn pages_follow_by_number_and_by_cursor() {
    let api = TestApi::new();
    for n in 0..5 {
        api.queued(&format!("090123456{n}")).await;
    }
    let all = ids(&api, "").await;
    assert_eq!(ids(&api, "page=2&pageSize=2").await, all[2..4]);
    let first = api.get("/api/outbound/messages?pageSize=2").await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&api, &format!("pageSize=2&cursor={cursor}")).await, all[2..4]);
    assert_eq!(ids(&api, "page=4&pageSize=2").await, Vec::<String>::new());
}
