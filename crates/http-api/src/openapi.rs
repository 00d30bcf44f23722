//! The OpenAPI document, from the handlers' own types.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::error::ErrorBody;
use crate::{callback, health, messages, templates, worker};

#[derive(OpenApi)]
#[openapi(
    info(title = "Outbound", description = "Queues messages and hands them to N8N.", license(name = "MIT")),
    paths(
        messages::create::create,
        messages::list::list,
        messages::get::get,
        templates::list::list,
        worker::run::run,
        callback::receive,
        health::livez,
        health::readyz,
    ),
    components(schemas(ErrorBody)),
    modifiers(&Security)
)]
struct Document;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
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
    }
}
