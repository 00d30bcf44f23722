//! Who is let in where: every operation, every role, every credential (contract §10). What lies in whose scope is tested
//! with each endpoint.

use std::collections::BTreeSet;

use actix_web::http::Method;
use domain::access::{Permission, Role};
use serde_json::json;

use crate::support::{Answered, CALLBACK, JWT_SECRET, TestApi, WORKER, bearer, claims, request, token};

const SERVICE: (&str, &str) = ("x-service-token", "service-token");
const ID: &str = "01890000-0000-7000-8000-000000000000";

/// What opens an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// Nothing is needed.
    None,
    /// A token whose role has this.
    Token(Permission),
    /// That, or the service token.
    TokenOrService(Permission),
    /// The worker secret.
    Worker,
    /// The callback secret.
    Callback,
    /// The service token.
    Service,
    /// The service token or the callback secret.
    ServiceOrCallback,
}

const TABLE: &[(&str, &str, Key)] = {
    use Key::{Callback, None, Service, ServiceOrCallback, Token, TokenOrService, Worker};
    use Permission::{
        AuditView, JobsCreate, JobsView, MessagingCreate, MessagingRun, MessagingUpdate, MessagingView,
    };
    &[
        ("get", "/api/outbound/messages", Token(MessagingView)),
        ("post", "/api/outbound/messages", Token(MessagingCreate)),
        ("post", "/api/outbound/messages/bulk", Token(MessagingCreate)),
        ("post", "/api/outbound/messages/cancel", Token(MessagingRun)),
        ("post", "/api/outbound/messages/requeue", Token(MessagingRun)),
        ("get", "/api/outbound/messages/{id}", Token(MessagingView)),
        ("post", "/api/outbound/messages/{id}/cancel", Token(MessagingRun)),
        ("post", "/api/outbound/messages/{id}/requeue", Token(MessagingRun)),
        ("post", "/api/outbound/dispatch", Token(MessagingRun)),
        ("get", "/api/outbound/jobs", TokenOrService(JobsView)),
        ("post", "/api/outbound/jobs", Token(JobsCreate)),
        ("get", "/api/outbound/jobs/{id}", TokenOrService(JobsView)),
        ("patch", "/api/outbound/jobs/{id}", ServiceOrCallback),
        ("get", "/api/outbound/templates", Token(MessagingView)),
        ("get", "/api/templates", Token(MessagingView)),
        ("post", "/api/outbound/templates", Token(MessagingUpdate)),
        ("put", "/api/outbound/templates/{key}", Token(MessagingUpdate)),
        ("delete", "/api/outbound/templates/{key}", Token(MessagingUpdate)),
        ("post", "/api/outbound/templates/{key}/preview", Token(MessagingView)),
        ("put", "/api/outbound/contacts", Service),
        ("get", "/api/outbound/stats", Token(MessagingView)),
        ("get", "/api/outbound/audit", Token(AuditView)),
        ("post", "/api/worker/outbound", Worker),
        ("post", "/api/worker/outbound/heartbeat", Worker),
        ("post", "/api/outbound/callback", Callback),
        ("get", "/livez", None),
        ("head", "/livez", None),
        ("get", "/readyz", None),
        ("head", "/readyz", None),
    ]
};

async fn ask(api: &TestApi, method: &str, path: &str, header: Option<(&str, String)>) -> Answered {
    let method: Method = method.to_uppercase().parse().unwrap();
    let mut asked = request(method, &path.replace("{id}", ID).replace("{key}", "x")).set_payload("{}");
    if let Some(header) = header {
        asked = asked.insert_header(header);
    }
    api.send(asked).await
}

fn is_open(answer: &Answered) -> bool {
    !["401", "403"].contains(&answer.status.as_str())
}

fn owned((name, value): (&'static str, &str)) -> Option<(&'static str, String)> {
    Some((name, value.to_owned()))
}

#[test]
fn the_table_has_every_operation() {
    let document = http_api::document();
    let documented = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
    });
    // Its rules are of its own, and so are its tests.
    let documented = documented.filter(|(_, path)| path != "/metrics");
    let table = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
    assert_eq!(table.collect::<BTreeSet<_>>(), documented.collect());
}

#[actix_web::test]
async fn each_role_may_do_what_its_permissions_say_and_nothing_else() {
    let api = TestApi::new();
    for (method, path, key) in TABLE {
        for role in Role::ALL {
            let answer = ask(&api, method, path, Some(bearer(role.as_str()))).await;
            let at = format!("{method} {path} as {role}: {}", answer.body);
            match key {
                Key::None => assert!(is_open(&answer), "{at}"),
                Key::Token(permission) | Key::TokenOrService(permission) if role.may(*permission) => {
                    assert!(is_open(&answer), "{at}");
                }
                Key::Token(_) | Key::TokenOrService(_) => {
                    assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"), "{at}");
                }
                Key::Worker | Key::Callback => assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"), "{at}"),
                Key::Service | Key::ServiceOrCallback => {
                    assert_eq!(answer.outcome(), (401, "AUTH_MISSING_SERVICE_TOKEN"), "{at}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn each_secret_opens_its_own_and_no_other() {
    let api = TestApi::new();
    for (method, path, key) in TABLE {
        for (secret, opens) in [
            (WORKER, matches!(key, Key::None | Key::Worker)),
            (CALLBACK, matches!(key, Key::None | Key::Callback | Key::ServiceOrCallback)),
            (
                SERVICE,
                matches!(key, Key::None | Key::Service | Key::TokenOrService(_) | Key::ServiceOrCallback),
            ),
        ] {
            let answer = ask(&api, method, path, owned(secret)).await;
            assert_eq!(is_open(&answer), opens, "{method} {path} with {}: {}", secret.0, answer.body);
        }
    }
}

#[actix_web::test]
async fn no_token_and_a_bad_one_are_told_apart_everywhere() {
    let api = TestApi::new();
    let mut expired = claims("admin");
    expired["exp"] = json!(1_700_000_000);
    let mut refresh = claims("admin");
    refresh["type"] = json!("refresh");
    let mut endless = claims("admin");
    endless.as_object_mut().unwrap().remove("exp");
    let bad = [
        token(&expired, JWT_SECRET),
        token(&refresh, JWT_SECRET),
        token(&endless, JWT_SECRET),
        token(&claims("admin"), "another secret"),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsInJvbGUiOiJhZG1pbiIsImV4cCI6NDA3MDkwODgwMH0.".to_owned(),
        "no token".to_owned(),
    ];
    for (method, path, key) in TABLE {
        let (Key::Token(_) | Key::TokenOrService(_)) = key else { continue };
        let answer = ask(&api, method, path, None).await;
        assert_eq!(answer.outcome(), (401, "AUTH_MISSING_BEARER"), "{method} {path}");
        for token in &bad {
            let answer = ask(&api, method, path, Some(("authorization", format!("Bearer {token}")))).await;
            assert_eq!(answer.outcome(), (401, "AUTH_INVALID_TOKEN"), "{method} {path}: {token}");
        }
    }
}

#[actix_web::test]
async fn a_missing_secret_and_a_wrong_one_are_refused_everywhere() {
    for (method, path, key) in TABLE {
        // A new one each time: wrong secrets are counted.
        let api = TestApi::new();
        let (name, missing, wrong) = match key {
            Key::None | Key::Token(_) => continue,
            Key::TokenOrService(_) => {
                ("x-service-token", (401, "AUTH_MISSING_BEARER"), (401, "AUTH_INVALID_SERVICE_TOKEN"))
            }
            Key::Worker => ("x-worker-secret", (403, "AUTH_FORBIDDEN"), (403, "AUTH_FORBIDDEN")),
            Key::Callback => ("x-callback-secret", (403, "AUTH_FORBIDDEN"), (403, "AUTH_FORBIDDEN")),
            Key::Service | Key::ServiceOrCallback => {
                ("x-service-token", (401, "AUTH_MISSING_SERVICE_TOKEN"), (401, "AUTH_INVALID_SERVICE_TOKEN"))
            }
        };
        assert_eq!(ask(&api, method, path, None).await.outcome(), missing, "{method} {path}");
        for guess in ["", "wrong", "worker-secret,worker-secret", "service-toke"] {
            let answer = ask(&api, method, path, Some((name, guess.to_owned()))).await;
            assert_eq!(answer.outcome(), wrong, "{method} {path}: {guess:?}");
        }
    }
}
