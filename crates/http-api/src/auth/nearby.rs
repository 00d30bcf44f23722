//! Whether a request comes from this machine itself.

use actix_web::HttpRequest;

/// What proxies add to requests that they pass on.
const PASSED_ON: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Whether it comes from this machine, and not through a proxy on it: whoever asks a proxy may be anywhere.
pub(super) fn is_from_here(request: &HttpRequest) -> bool {
    let is_loopback = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    is_loopback && !PASSED_ON.iter().any(|name| request.headers().contains_key(*name))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn from(peer: &str) -> TestRequest {
        TestRequest::default().peer_addr(peer.parse().unwrap())
    }

    #[test]
    fn loopback_in_every_spelling_is_here_and_nothing_else_is() {
        for here in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(is_from_here(&from(here).to_http_request()), "{here}");
        }
        for elsewhere in ["192.0.2.7:1", "10.0.0.1:1", "[::ffff:192.0.2.7]:1", "[2001:db8::1]:1", "0.0.0.0:1"]
        {
            assert!(!is_from_here(&from(elsewhere).to_http_request()), "{elsewhere}");
        }
        assert!(!is_from_here(&TestRequest::default().to_http_request()), "without a peer");
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_from_here() {
        for header in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"] {
            let request = from("127.0.0.1:1").insert_header((header, "127.0.0.1"));
            assert!(!is_from_here(&request.to_http_request()), "{header}");
        }
    }
}
