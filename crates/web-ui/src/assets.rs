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

const ASSETS: [Asset; 4] = [
    Asset {
        name: "app.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/app.css"),
    },
    Asset {
        name: "app.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/app.js"),
    },
    Asset { name: "icons.svg", content_type: "image/svg+xml", bytes: include_bytes!("../assets/icons.svg") },
    Asset { name: "mark.svg", content_type: "image/svg+xml", bytes: include_bytes!("../assets/mark.svg") },
];

/// The address of an asset: it names the content, so that it may be kept for ever.
pub(crate) fn address(name: &str) -> String {
    format!("/outbound/assets/{name}?v={}", version())
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

pub(crate) async fn asset(name: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, PageError> {
    let found = ASSETS.iter().find(|asset| asset.name == name.as_str()).ok_or(PageError::NotFound)?;
    let tag = format!("\"{}\"", version());
    let kept = if request.query_string().contains(version()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
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
