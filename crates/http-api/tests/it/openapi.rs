//! The document is made of the handlers' own types.

use actix_web::http::Method;
use domain::template::MAX_BODY;
use domain::usecase::create::prepare::MAX_TEXT;
use serde_json::json;

use crate::support::{TestApi, request};

#[actix_web::test]
async fn the_document_is_openapi_3_1_and_names_what_is_mounted() {
    let api = TestApi::new();
    let answer = api.send(request(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["openapi"], "3.1.0");
    for (path, item) in answer.body["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "x").replace("{key}", "x");
            let answer = api.send(request(method.clone(), &path)).await;
            let mounted =
                answer.status != 405 && !answer.body["error"]["message"].to_string().contains("at this path");
            assert!(mounted, "{method} {path}: {}", answer.body);
        }
    }
    let message = &answer.body["components"]["schemas"]["MessageView"]["properties"];
    assert_eq!(message.as_object().unwrap().len(), 27);
}

#[actix_web::test]
async fn the_document_gives_the_domain_s_limits() {
    let answer = TestApi::new().send(request(Method::GET, "/openapi.json")).await;
    let mut limited = 0;
    for (name, schema) in answer.body["components"]["schemas"].as_object().unwrap() {
        for (field, most) in [("text", MAX_TEXT), ("body", MAX_BODY)] {
            let limit = &schema["properties"][field]["maxLength"];
            if !limit.is_null() {
                assert_eq!(*limit, json!(most), "{name}.{field}");
                limited += 1;
            }
        }
    }
    assert_eq!(limited, 5, "a text that somebody sends has its limit in the document");
}

#[actix_web::test]
async fn the_page_is_served_here_and_may_load_nothing_from_elsewhere() {
    let api = TestApi::new();
    assert_eq!(api.send(request(Method::GET, "/docs")).await.header("location"), "/docs/");
    for path in
        ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/swagger-initializer.js"]
    {
        let answer = api.send(request(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
    }
}
