//! The route table.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, ServiceConfig, get, head, post};
use actix_web::{HttpResponse, Resource, Route, web};
use utoipa_swagger_ui::SwaggerUi;

use crate::api::Api;
use crate::error::ApiError;
use crate::{callback, health, messages, openapi, templates, worker};

/// Mounts every endpoint. Unknown paths of the whole app answer 404 in the API's error model, unless a later
/// `default_service` says otherwise.
pub fn configure(api: Api) -> impl Fn(&mut ServiceConfig) + Clone {
    let api = Data::new(api);
    move |config: &mut ServiceConfig| {
        config
            .app_data(api.clone())
            .service(at(
                "/api/outbound/messages",
                "GET, POST",
                [get().to(messages::list::list), post().to(messages::create::create)],
            ))
            .service(at("/api/outbound/messages/{id}", "GET", [get().to(messages::get::get)]))
            .service(at("/api/templates", "GET", [get().to(templates::list::list)]))
            .service(at("/api/outbound/templates", "GET", [get().to(templates::list::list)]))
            .service(at("/api/worker/outbound", "POST", [post().to(worker::run::run)]))
            .service(at("/api/outbound/callback", "POST", [post().to(callback::receive)]))
            .service(at("/livez", "GET, HEAD", [get().to(health::livez), head().to(health::livez)]))
            .service(at("/readyz", "GET, HEAD", [get().to(health::readyz), head().to(health::readyz)]))
            .service(at("/docs", "GET", [get().to(to_docs)]))
            .service(SwaggerUi::new("/docs/{page:.*}").url("/openapi.json", openapi::document()))
            .default_service(web::to(no_route));
    }
}

/// One path with its methods; the others answer 405 and name those.
fn at<const N: usize>(
    path: &str,
    allowed: &'static str,
    routes: [Route; N],
) -> impl HttpServiceFactory + 'static {
    let resource = routes.into_iter().fold(Resource::new(path), Resource::route);
    resource.default_service(web::to(move || async move {
        Err::<HttpResponse, _>(ApiError::MethodNotAllowed(allowed))
    }))
}

async fn no_route() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound("there is nothing at this path".into()))
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}
