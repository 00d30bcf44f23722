//! Asking what a message would come to.

use std::sync::Arc;

use domain::channel::Channel;
use domain::ids::TemplateKey;
use domain::policy::quiet_hours::{QuietHours, Window};
use domain::ports::{Template, TemplateStore};
use domain::template::TemplateBody;
use serde_json::{Value, json};

use crate::support::people::codes;
use crate::support::{Answered, TestApi, WORKER, bearer, noon, request, rules};

const PATH: &str = "/api/outbound/messages?dryRun=true";

async fn world() -> TestApi {
    let api = TestApi::new();
    api.lead("l1", "0901234561", "u1", &[Channel::Zalo]).await;
    let template = Template {
        key: TemplateKey::parse("hello").unwrap(),
        title: "Chào".to_owned(),
        channel: Channel::Sms,
        body: TemplateBody::parse("Chào {{ name }}, {{ ownerName }} gửi {{ topic }}").unwrap(),
        is_active: true,
        updated_at: noon(),
    };
    assert!(api.backend.insert_template(&template).await.unwrap());
    api
}

async fn ask(api: &TestApi, body: &Value) -> Answered {
    let answer = api.post_json(PATH, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(api.total().await, 0);
    answer
}

#[actix_web::test]
async fn what_is_all_right_is_shown_as_it_would_go() {
    let api = world().await;
    let body =
        json!({"channel": "SMS", "templateKey": "hello", "leadId": "l1", "variables": {"topic": "lịch học"}});
    let answer = ask(&api, &body).await;
    let expected = json!({
        "wouldCreate": true, "problems": [], "notices": [],
        "renderedText": "Chào Nguyễn An, Lan gửi lịch học", "to": "+84901234561",
        "quietHours": {"active": false}, "expectedAt": "2026-05-04T05:00:00.000Z",
        "sms": {
            "encoding": "UCS2", "characters": 32, "units": 32, "segments": 1,
            "unicodeCharacters": ["ễ", "ử", "ị", "ọ"], "segmentsWithoutDiacritics": 1,
        },
        "duplicate": false, "optedOut": false, "missingVariables": [],
    });
    assert_eq!(answer.body, expected);
}

#[actix_web::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let api = world().await;
    let body = json!({"channel": "SMS", "templateKey": "hello", "to": "12", "leadId": "nobody", "ownerId": "",
        "scheduledAt": "soon"});
    let answer = ask(&api, &body).await;
    let problems = answer.body["problems"].as_array().unwrap();
    let told: Vec<_> =
        problems.iter().map(|p| (p["path"].as_str().unwrap(), p["code"].as_str().unwrap())).collect();
    let wrong = "VALIDATION_ERROR";
    assert_eq!(
        told,
        [
            ("ownerId", wrong),
            ("scheduledAt", wrong),
            ("leadId", "NOT_FOUND"),
            ("to", wrong),
            ("variables.name", wrong),
            ("variables.ownerName", wrong),
            ("variables.topic", wrong),
        ]
    );
    assert_eq!(answer.body["missingVariables"], json!(["name", "ownerName", "topic"]));
    assert_eq!((&answer.body["wouldCreate"], &answer.body["to"]), (&json!(false), &Value::Null));
    assert!(answer.body.get("expectedAt").is_none());
}

#[actix_web::test]
async fn an_id_that_can_t_be_read_is_told_once() {
    let api = world().await;
    let answer = ask(&api, &json!({"channel": "SMS", "text": "Chao", "leadId": ""})).await;
    assert_eq!(answer.body["problems"].as_array().unwrap().len(), 1, "{}", answer.body);
    let nothing = ask(&api, &json!({"leadId": ""})).await;
    let paths: Vec<_> =
        nothing.body["problems"].as_array().unwrap().iter().map(|p| p["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["channel", "templateKey", "leadId"]);
}

#[actix_web::test]
async fn opt_outs_duplicates_and_quiet_hours_are_foretold_in_the_reader_s_language() {
    let mut api = world().await;
    let opted_out = ask(&api, &json!({"channel": "ZALO", "text": "Chào", "leadId": "l1"})).await;
    assert_eq!((&opted_out.body["optedOut"], &opted_out.body["wouldCreate"]), (&json!(true), &json!(false)));
    assert_eq!(
        (codes(&opted_out.body["notices"]), &opted_out.body["sms"]),
        (vec!["OPTED_OUT"], &Value::Null)
    );
    api.queued("0901234567").await;
    let body = json!({"channel": "SMS", "text": "Chào", "to": "0901 234 567"});
    let duplicate = api.post_json(PATH, &body).await;
    assert_eq!((&duplicate.body["duplicate"], &duplicate.body["wouldCreate"]), (&json!(true), &json!(false)));
    let window = Window::parse("11:00-13:00").unwrap();
    api.api.rules = Arc::new(rules(QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, window)));
    let vietnamese = request(actix_web::http::Method::POST, PATH)
        .insert_header(bearer("admin"))
        .insert_header(("accept-language", "vi-VN,vi;q=0.9"))
        .set_payload(json!({"channel": "SMS", "text": "Khác", "to": "0901234567"}).to_string());
    let quiet = api.send(vietnamese).await;
    assert_eq!(quiet.body["quietHours"], json!({"active": true, "endsAt": "2026-05-04T06:00:00.000Z"}));
    assert_eq!(quiet.body["expectedAt"], "2026-05-04T06:00:00.000Z");
    assert_eq!(
        quiet.body["notices"],
        json!([{
            "code": "QUIET_HOURS", "until": "2026-05-04T06:00:00.000Z",
            "message": "Đang trong giờ yên lặng đến 13:00:00 04/05/2026.",
        }])
    );
    assert_eq!(api.total().await, 1);
}

#[actix_web::test]
async fn the_right_to_create_is_needed_and_scope_holds() {
    let api = world().await;
    let body = json!({"channel": "ZALO", "text": "Chào", "leadId": "l1"});
    assert_eq!(api.post_as("viewer", "u1", PATH, &body).await.outcome(), (403, "AUTH_FORBIDDEN"));
    let foreign = api.post_as("telesales", "u2", PATH, &body).await;
    assert_eq!(codes(&foreign.body["problems"]), ["AUTH_FORBIDDEN"]);
    assert_eq!((&foreign.body["optedOut"], &foreign.body["to"]), (&json!(false), &Value::Null));
}

#[actix_web::test]
async fn where_there_is_no_dry_run_to_ask_for_one_is_refused_and_nothing_is_done() {
    let api = TestApi::new();
    let id = api.queued("0901234561").await;
    let message = json!({"channel": "SMS", "text": "Chào", "to": "0901234562"});
    let template = json!({"key": "t", "title": "T", "channel": "SMS", "body": "Chào"});
    let cancel = format!("/api/outbound/messages/{id}/cancel?dryRun=yes");
    let table = [
        ("/api/outbound/messages?dryrun=true", "dryrun", &message),
        ("/api/outbound/messages?dry_run=1", "dry_run", &message),
        ("/api/outbound/jobs?dryRun=true", "dryRun", &message),
        ("/api/outbound/templates?dryRun=true", "dryRun", &template),
        ("/api/outbound/messages/cancel?dryRun=true", "dryRun", &json!({"ids": [id]})),
        (&*cancel, "dryRun", &json!({})),
        ("/api/outbound/dispatch?dryRun=true", "dryRun", &json!({})),
        ("/api/worker/outbound?dryRun=true", "dryRun", &json!({})),
    ];
    for (path, named, body) in table {
        let post =
            request(actix_web::http::Method::POST, path).insert_header(bearer("admin")).insert_header(WORKER);
        let answer = api.send(post.set_payload(body.to_string())).await;
        assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"), "{path}");
        assert_eq!(answer.body["error"]["details"][0]["path"], named, "{path}");
    }
    let list = api.get("/api/outbound/messages").await.body;
    assert_eq!((&list["total"], &list["items"][0]["status"]), (&json!(1), &json!("QUEUED")));
    let answer = api.post_json("/api/outbound/jobs?dryRun=false", &message).await;
    assert_eq!(answer.status, 201, "to say that it is none is no mistake: {}", answer.body);
}
