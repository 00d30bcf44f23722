//! Requests leave the schema alone, and so a long read stalls none of them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, sms};

/// From here on whoever changes the schema fails, be it by a temporary table.
const FREEZE: &str = "
create function no_ddl() returns event_trigger language plpgsql as $$
begin
    raise exception 'the schema is being changed by %', tg_tag;
end $$;
create event trigger no_ddl on ddl_command_start execute function no_ddl();";

/// A read of every table that does not end.
const READ_ALL: &str = "
begin;
do $$
declare
    name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public' loop
        execute format('lock table %I in access share mode', name);
    end loop;
end $$;";

#[tokio::test]
async fn no_request_changes_the_schema_and_a_long_read_of_every_table_stalls_none() {
    let app = TestApp::start().await;
    let reader = app.database.connect().await;
    reader.batch_execute(FREEZE).await.unwrap();
    assert!(reader.batch_execute("create temp table t (n int)").await.is_err());
    reader.batch_execute(READ_ALL).await.unwrap();

    let id = app.create(sms(1)).await;
    let path = |what: &str| format!("/api/outbound/messages/{id}{what}");
    let bulk =
        json!({"channel": "SMS", "text": "Chào", "recipients": [{"to": "0901234567"}, {"to": "0901234568"}]});
    let template = json!({"key": "hello", "title": "x", "channel": "SMS", "body": "Chào {{ name }}"});
    let nothing = Value::Null;
    let as_admin: Vec<(Method, String, &Value)> = vec![
        (Method::GET, path(""), &nothing),
        (Method::POST, path("/cancel"), &nothing),
        (Method::POST, path("/requeue"), &nothing),
        (Method::GET, "/api/outbound/messages?q=ch%C3%A0o&status=QUEUED".to_owned(), &nothing),
        (Method::POST, "/api/outbound/messages/bulk".to_owned(), &bulk),
        (Method::POST, "/api/outbound/jobs".to_owned(), &bulk),
        (Method::GET, "/api/outbound/jobs".to_owned(), &nothing),
        (Method::POST, "/api/outbound/templates".to_owned(), &template),
        (Method::POST, "/api/outbound/templates/hello/preview".to_owned(), &nothing),
        (Method::GET, "/api/templates".to_owned(), &nothing),
        (Method::GET, "/api/outbound/stats".to_owned(), &nothing),
        (Method::POST, "/api/outbound/dispatch".to_owned(), &nothing),
    ];
    for (method, path, body) in as_admin {
        let mut request =
            app.request(method, &path).bearer_auth(app.admin()).header("idempotency-key", &path);
        if !body.is_null() {
            request = request.json(body);
        }
        let answered = answer(request).await;
        assert!((200..300).contains(&answered.status), "{path}: {} {}", answered.status, answered.body);
    }
    let contacts = json!({"contacts": [{"leadId": "l1", "phone": "0901234567"}]});
    let push = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    answer(push.json(&contacts)).await.expect(200);
    app.create(sms(2)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&id, "SENT").await;
}
