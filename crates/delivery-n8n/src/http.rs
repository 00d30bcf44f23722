//! The HTTP client, and why it failed.

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::settings::SettingsError;

/// Node, and so N8N, closes idle connections after five seconds. A request that goes out just as N8N closes its
/// connection is lost without an answer, and nobody could tell whether N8N had it: an unknown outcome for nothing. So
/// connections are given up long before that. A batch keeps them busy, which is when keeping them pays.
const IDLE_CONNECTION: Duration = Duration::from_secs(2);
/// The longest that connecting takes, whatever the time limit.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// Reads an address to post to.
pub(crate) fn address(text: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(text).map_err(|_| SettingsError::NotAUrl)?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(SettingsError::NotAUrl)
    }
}

/// A client for posts to this address that end within `timeout`, the reading of the answer included.
///
/// Connecting gets half of that at most. So whenever the whole time is over the connection had been made, and running
/// out of time while connecting, when nothing was sent, is never mistaken for an answer that did not come.
pub(crate) fn client(url: &Url, timeout: Duration) -> Result<Client, SettingsError> {
    let builder = Client::builder()
        .user_agent(concat!("outbound/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .timeout(timeout)
        .connect_timeout((timeout / 2).min(LONGEST_CONNECT))
        .pool_idle_timeout(IDLE_CONNECTION)
        .tcp_nodelay(true);
    let builder = if is_local(url) { builder.no_proxy() } else { builder };
    // Without TLS there is nothing to trust, and a small container may have no certificates at all.
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| SettingsError::Client(cause(&error)))
}

/// A proxy from the environment is for the world, not for this machine.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// The root of an error, in the system's words; never with the address, whose path may be a secret.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    if root.is::<reqwest::Error>() { "the request failed".to_owned() } else { root.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_with_a_host() {
        for right in ["http://n8n:5678/webhook/outbound", "https://user:pass@n8n.example.vn/webhook/x?y=1"] {
            assert!(address(right).is_ok(), "{right}");
        }
        for wrong in ["", "n8n:5678", "/webhook", "ftp://n8n/x", "http://", "file:///etc/passwd"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_a_proxy() {
        let local = |url: &str| is_local(&Url::parse(url).unwrap());
        assert!(local("http://127.0.0.1:1/") && local("http://[::1]:1/") && local("http://localhost/"));
        assert!(!local("http://10.0.0.1/") && !local("https://n8n.example.vn/"));
    }
}
