//! The route table.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::Api;
use crate::error::ApiError;
use crate::together::AtOnce;
use crate::{audit, callback, contacts, health, jobs, messages, metrics, openapi, stats, templates, worker};

/// Mounts every endpoint. Unknown paths of the whole app answer 404 in the API's error model, unless a later
/// `default_service` says otherwise.
pub fn configure(api: Api) -> impl Fn(&mut ServiceConfig) + Clone {
    let at_once = Data::new(AtOnce::new(&api));
    let api = Data::new(api);
    move |config: &mut ServiceConfig| {
        // The first path that fits is taken: fixed words go before `{id}`.
        config
            .app_data(api.clone())
            .app_data(at_once.clone())
            .service(at(
                "/api/outbound/messages",
                [get(messages::list::list), post(messages::create::create)],
            ))
            .service(at("/api/outbound/messages/bulk", [post(messages::bulk::create)]))
            .service(at("/api/outbound/messages/cancel", [post(messages::cancel_many::cancel_many)]))
            .service(at("/api/outbound/messages/requeue", [post(messages::requeue_many::requeue_many)]))
            .service(at("/api/outbound/messages/{id}", [get(messages::get::get)]))
            .service(at("/api/outbound/messages/{id}/cancel", [post(messages::cancel::cancel)]))
            .service(at("/api/outbound/messages/{id}/requeue", [post(messages::requeue::requeue)]))
            .service(at("/api/outbound/dispatch", [post(worker::dispatch::dispatch)]))
            .service(at("/api/outbound/jobs", [get(jobs::list::list), post(jobs::create::create)]))
            .service(at("/api/outbound/jobs/{id}", [get(jobs::get::get), patch(jobs::update::update)]))
            .service(at(
                "/api/outbound/templates",
                [get(templates::list::list), post(templates::create::create)],
            ))
            .service(at(
                "/api/outbound/templates/{key}",
                [put(templates::update::update), delete(templates::delete::delete)],
            ))
            .service(at("/api/outbound/templates/{key}/preview", [post(templates::preview::preview)]))
            .service(at("/api/outbound/contacts", [put(contacts::push)]))
            .service(at("/api/outbound/audit", [get(audit::audit)]))
            .service(at("/api/outbound/stats", [get(stats::stats)]))
            .service(at("/api/templates", [get(templates::list::list)]))
            .service(at("/api/worker/outbound", [post(worker::run::run)]))
            .service(at("/api/worker/outbound/heartbeat", [post(worker::heartbeat::heartbeat)]))
            .service(at("/api/outbound/callback", [post(callback::receive)]))
            .service(at("/livez", [get(health::livez), head(health::livez)]))
            .service(at("/readyz", [get(health::readyz), head(health::readyz)]))
            .service(at("/metrics", [get(metrics::metrics)]))
            .service(at("/docs", [get(to_docs)]))
            .service(page())
            .default_service(web::to(no_route));
    }
}

/// One path with its methods; the others answer 405 and name those.
fn at<const N: usize>(path: &str, methods: [(Method, Route); N]) -> impl HttpServiceFactory + 'static {
    let allowed = methods.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
    let routes = methods.into_iter().map(|(_, route)| route);
    routes.fold(Resource::new(path), Resource::route).default_service(web::to(move || {
        let allowed = allowed.clone();
        async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed(allowed)) }
    }))
}

macro_rules! methods {
    ($($name:ident $method:ident,)+) => {$(
        #[doc = concat!("A handler for ", stringify!($method), ".")]
        fn $name<F, Args>(handler: F) -> (Method, Route)
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            (Method::$method, web::method(Method::$method).to(handler))
        }
    )+};
}

methods! { get GET, head HEAD, post POST, put PUT, patch PATCH, delete DELETE, }

/// The document at `/openapi.json`, and its page.
fn page() -> SwaggerUi {
    // It would ask a server elsewhere whether the document is valid.
    let offline = Config::default().validator_url("none").use_base_layout();
    SwaggerUi::new("/docs/{page:.*}")
        .external_url_unchecked("/openapi.json", openapi::document())
        .config(offline)
}

async fn no_route() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound("there is nothing at this path".into()))
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}
