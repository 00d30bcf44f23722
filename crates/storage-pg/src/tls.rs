//! Plain connections to the server, with TLS where the URL asks for it.

use std::str::FromStr;
use std::sync::Arc;

use domain::ports::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A URL that has been read: where to connect, and how.
#[derive(Clone)]
pub(crate) struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    /// Reads a `DATABASE_URL`. With `sslmode=require`, `verify-ca` or `verify-full` the connection is encrypted and
    /// the server's certificate checked, against the machine's authorities or the file `sslrootcert`; otherwise it is
    /// plain.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let refuse = |why: String| StoreError::Refused(format!("DATABASE_URL: {why}"));
        let (plain_url, mode, authority) = split(url);
        let mut config = Config::from_str(&plain_url).map_err(|error| refuse(error.to_string()))?;
        let tls = match mode.as_deref() {
            None | Some("disable" | "allow" | "prefer") => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                None
            }
            Some("require" | "verify-ca" | "verify-full") => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                Some(connector(authority.as_deref()).map_err(refuse)?)
            }
            Some(other) => return Err(refuse(format!("sslmode `{other}` is unknown"))),
        };
        Ok(Self { config, tls })
    }

    /// Connects; the caller drives the connection.
    pub(crate) async fn connect<T>(&self, with: impl Connected<Answer = T>) -> Result<T, StoreError> {
        let failed = |error: tokio_postgres::Error| crate::error::of_plain(&error);
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                with.accept(client, connection).await
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
                with.accept(client, connection).await
            }
        }
    }
}

/// Whether what goes to and fro can be read on the way: a plain connection that leaves this machine. One who writes
/// `sslmode=disable` has said that the way is their own.
///
/// # Errors
/// When the URL can't be read.
pub fn is_readable_on_the_way(url: &str) -> Result<bool, StoreError> {
    let Target { config, tls } = Target::parse(url)?;
    let (_, mode, _) = split(url);
    let stays_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    };
    Ok(tls.is_none() && mode.as_deref() != Some("disable") && !config.get_hosts().iter().all(stays_here))
}

/// What to do with a new connection, whatever it is encrypted with.
pub(crate) trait Connected: Send {
    /// What comes of it.
    type Answer;

    /// Takes both halves.
    fn accept<S>(
        self,
        client: tokio_postgres::Client,
        connection: tokio_postgres::Connection<tokio_postgres::Socket, S>,
    ) -> impl Future<Output = Result<Self::Answer, StoreError>> + Send
    where
        S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static;
}

/// The URL without what the driver does not know, the value of `sslmode` and that of `sslrootcert`.
fn split(url: &str) -> (String, Option<String>, Option<String>) {
    let Some((address, query)) = url.split_once('?') else { return (url.to_owned(), None, None) };
    let (mut mode, mut authority, mut kept) = (None, None, Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => authority = Some(value.replace("%2F", "/").replace("%20", " ")),
            Some(_) | None => kept.push(pair),
        }
    }
    let rest = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{address}{rest}"), mode, authority)
}

fn connector(authority: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match authority {
        None => builder.with_platform_verifier().map_err(|error| error.to_string())?.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            let read = |error: rustls::pki_types::pem::Error| format!("sslrootcert {file}: {error}");
            for certificate in CertificateDer::pem_file_iter(file).map_err(read)? {
                roots
                    .add(certificate.map_err(read)?)
                    .map_err(|error| format!("sslrootcert {file}: {error}"))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_says_whether_the_connection_is_encrypted() {
        let tls = |url: &str| Target::parse(url).unwrap().tls.is_some();
        assert!(!tls("postgresql:///db?host=/tmp/x&port=5432&user=postgres"));
        assert!(!tls("postgresql://u:p@host/db?sslmode=prefer"));
        assert!(tls("postgresql://u:p@host/db?sslmode=require&application_name=x"));
        assert!(tls("postgresql://u:p@host/db?sslmode=verify-full"));
        assert!(Target::parse("postgresql://host/db?sslmode=maybe").is_err());
        assert!(Target::parse("postgresql://host/db?sslmode=require&sslrootcert=/nonexistent").is_err());
        assert!(Target::parse("nonsense").is_err());
    }

    #[test]
    fn a_plain_connection_that_leaves_the_machine_can_be_read_on_the_way() {
        for (url, readable) in [
            ("postgresql://u:p@db.example.vn/x", true),
            ("postgresql://u:p@192.0.2.7:5432/x?sslmode=prefer", true),
            ("postgresql://u:p@localhost,192.0.2.7/x", true),
            ("postgresql://u:p@db.example.vn/x?sslmode=require", false),
            ("postgresql://u:p@postgres/x?sslmode=disable", false),
            ("postgresql://u:p@localhost/x", false),
            ("postgresql://u:p@127.0.0.1:5432/x", false),
            ("postgresql://u:p@[::1]/x", false),
            ("postgresql:///x?host=/run/postgresql&user=u", false),
        ] {
            assert_eq!(is_readable_on_the_way(url).unwrap(), readable, "{url}");
        }
    }
}
