//! The OpenAPI document, from the handlers' own types.
//!
//! What holds for every operation is added here, by rule: answers that any request may get, ids of operations, what
//! is always there in an answer. Handlers name what is their own.

mod answers;
mod choices;
mod examples;
mod operations;
mod schemas;

use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::error::ErrorBody;
use crate::{audit, callback, contacts, health, jobs, messages, metrics, stats, templates, worker};

#[derive(OpenApi)]
#[openapi(
    info(title = "Outbound", description = "Queues messages and hands them to N8N.", license(name = "MIT")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "messages", description = "The queue"),
        (name = "jobs", description = "Messages that an AI action asked for, as a group"),
        (name = "templates", description = "Texts with variables"),
        (name = "contacts", description = "The CRM's people, as far as they must be addressed"),
        (name = "worker", description = "Runs that hand messages off"),
        (name = "callback", description = "What became of messages"),
        (name = "audit", description = "Who did what"),
        (name = "health", description = "Whether the server runs, can serve, and what it does"),
    ),
    paths(
        messages::create::create,
        messages::bulk::create,
        messages::list::list,
        messages::get::get,
        messages::cancel::cancel,
        messages::requeue::requeue,
        messages::cancel_many::cancel_many,
        messages::requeue_many::requeue_many,
        jobs::list::list,
        jobs::create::create,
        jobs::get::get,
        jobs::update::update,
        templates::list::list,
        templates::create::create,
        templates::update::update,
        templates::delete::delete,
        templates::preview::preview,
        contacts::push,
        stats::stats,
        audit::audit,
        worker::dispatch::dispatch,
        worker::run::run,
        worker::heartbeat::heartbeat,
        callback::receive,
        health::livez,
        health::readyz,
        metrics::metrics,
    ),
    components(schemas(ErrorBody)),
    modifiers(&Security)
)]
struct Document;

/// The document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    operations::complete(&mut document);
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("headers".to_owned(), answers::headers());
    }
    schemas::complete(&mut document);
    document
}

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("access_token"))),
        );
        components.add_security_scheme("workerSecret", header("x-worker-secret"));
        components.add_security_scheme("callbackSecret", header("x-callback-secret"));
        components.add_security_scheme("serviceToken", header("x-service-token"));
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("METRICS_TOKEN"));
        let token = token.build();
        components.add_security_scheme("metricsToken", SecurityScheme::Http(token));
    }
}
