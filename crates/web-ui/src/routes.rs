//! The route table.

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig, get, post, resource, scope};

use crate::around::{around, nothing_here};
use crate::pages::Pages;
use crate::{
    assets, bulk, compose, jobs, matching, message, overview, queue, run, sign_in, templates, worker,
};

/// The most bytes that a form may have: a list of 10,000 recipients with their variables.
const MAX_FORM: usize = 12 * 1024 * 1024;

/// The most bytes of a form that anybody may send: a token and an address.
const MAX_SIGN_IN: usize = 16 * 1024;

/// Mounts every page at `/outbound`, and leads there from `/`.
pub fn configure(pages: Pages) -> impl Fn(&mut ServiceConfig) + Clone {
    let pages = Data::new(pages);
    move |config: &mut ServiceConfig| {
        config.route("/", get().to(sign_in::from_the_top)).service(
            scope("/outbound")
                .app_data(pages.clone())
                .app_data(PayloadConfig::new(MAX_FORM))
                .wrap(from_fn(around))
                .route("", get().to(queue::queue))
                .route("/", get().to(sign_in::from_the_top))
                .route("/live", get().to(queue::live::live))
                .route("/ticked", post().to(message::act::ticked))
                .route("/messages/{id}", get().to(message::message))
                .route("/messages/{id}/cancel", post().to(message::act::cancel))
                .route("/messages/{id}/send-now", post().to(run::send_now))
                .route("/messages/{id}/requeue", post().to(message::act::requeue))
                .route("/compose", get().to(compose::page))
                .route("/compose", post().to(compose::send))
                .route("/compose/check", post().to(compose::check))
                .route("/bulk", get().to(bulk::page))
                .route("/bulk/check", post().to(bulk::check))
                .route("/bulk/rejected", post().to(bulk::rejected))
                .route("/bulk/sample", get().to(bulk::sample))
                .route("/bulk/send", post().to(bulk::send))
                .route("/templates", get().to(templates::templates))
                .route("/templates/{key}", get().to(templates::edit))
                .route("/templates/{key}", post().to(templates::save))
                .route("/templates/{key}/delete", post().to(templates::delete))
                .route("/new-template", get().to(templates::new))
                .route("/new-template", post().to(templates::create))
                .route("/new-template/check", post().to(templates::check))
                .route("/jobs", get().to(jobs::jobs))
                .route("/jobs/{id}", get().to(jobs::job))
                .route("/matching", get().to(matching::confirm))
                .route("/matching", post().to(matching::go_on))
                .route("/overview", get().to(overview::overview))
                .route("/worker", get().to(worker::page))
                .route("/worker/plan", post().to(worker::plan))
                .route("/worker/n8n/{name}", get().to(worker::workflow))
                .route("/dispatch", post().to(run::dispatch))
                .service(
                    resource("/sign-in")
                        .app_data(PayloadConfig::new(MAX_SIGN_IN))
                        .route(get().to(sign_in::page))
                        .route(post().to(sign_in::sign_in)),
                )
                .service(
                    resource("/sign-in/demo/{who}")
                        .app_data(PayloadConfig::new(MAX_SIGN_IN))
                        .route(post().to(sign_in::demo)),
                )
                .service(
                    resource("/sign-out")
                        .app_data(PayloadConfig::new(MAX_SIGN_IN))
                        .route(post().to(sign_in::sign_out)),
                )
                .route("/session", get().to(sign_in::session))
                .route("/language", get().to(sign_in::language))
                .route("/assets/{version}/{name}", get().to(assets::asset))
                .default_service(web::to(nothing_here)),
        );
    }
}
