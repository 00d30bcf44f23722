//! Style, script and icons, served from the binary.

use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::error::PageError;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }
    };
}

const ASSETS: [Asset; 10] = [
    asset!("app.css", CSS),
    asset!("work.css", CSS),
    asset!("sight.css", CSS),
    asset!("app.js", SCRIPT),
    asset!("page.js", SCRIPT),
    asset!("bulk.js", SCRIPT),
    asset!("draft.js", SCRIPT),
    asset!("follow.js", SCRIPT),
    asset!("icons.svg", SVG),
    asset!("mark.svg", SVG),
];

/// The address of an asset: it names the content of all, so that it may be kept for ever, and modules find each other
/// beside themselves.
pub(crate) fn address(name: &str) -> String {
    format!("/outbound/assets/{}/{name}", version())
}

/// What all assets together are, in short.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut all = Sha256::new();
        ASSETS.iter().for_each(|asset| all.update(asset.bytes));
        all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    })
}

pub(crate) async fn asset(
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let (wanted, name) = path.into_inner();
    let found = ASSETS.iter().find(|asset| asset.name == name).ok_or(PageError::NotFound)?;
    let tag = format!("\"{}\"", version());
    // A page of another version of the server gets what there is, and does not keep it.
    let kept = if wanted == version() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|known| {
        known
            .to_str()
            .is_ok_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
    });
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, kept));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((CONTENT_TYPE, found.content_type)).body(found.bytes))
}
