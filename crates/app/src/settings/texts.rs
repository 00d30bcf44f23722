//! Settings that are words, addresses and rules.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chrono_tz::Tz;
use domain::policy::quiet_hours::Window;
use domain::policy::retry::RetryPolicy;
use domain::rules::CallbackTimeoutAction;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::kind::{Kind, MASK, Reason, because};

/// `on` or `off`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switch;

impl Kind for Switch {
    type Value = bool;

    fn takes(&self) -> String {
        "on or off".to_owned()
    }

    fn parse(&self, text: &str) -> Result<bool, Reason> {
        match text.to_ascii_lowercase().as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(None),
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One of the log formats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogFormats;

impl Kind for LogFormats {
    type Value = LogFormat;

    fn takes(&self) -> String {
        "text or json".to_owned()
    }

    fn parse(&self, text: &str) -> Result<LogFormat, Reason> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(None),
        }
    }
}

/// Which log lines are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogFilter;

impl Kind for LogFilter {
    type Value = String;

    fn takes(&self) -> String {
        "a level (error, warn, info, debug, trace) or a filter such as info,domain=debug".to_owned()
    }

    fn parse(&self, text: &str) -> Result<String, Reason> {
        EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(because)
    }
}

/// What becomes of a message whose callback never comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeoutAction;

impl Kind for TimeoutAction {
    type Value = CallbackTimeoutAction;

    fn takes(&self) -> String {
        "hold or retry".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Self::Value, Reason> {
        text.parse().map_err(|_| None)
    }
}

/// An address to listen on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listen;

impl Kind for Listen {
    type Value = SocketAddr;

    fn takes(&self) -> String {
        "an IP address and a port, such as 127.0.0.1:8080 (port 0: any free one)".to_owned()
    }

    fn parse(&self, text: &str) -> Result<SocketAddr, Reason> {
        let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        local
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .or_else(|| text.parse().ok())
            .ok_or(None)
    }
}

/// An address of a web server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpUrl;

impl Kind for HttpUrl {
    type Value = Url;

    fn takes(&self) -> String {
        "an address that begins with http:// or https://".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Url, Reason> {
        let url = Url::parse(text).map_err(because)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(url) } else { Err(None) }
    }

    fn shown(&self, text: &str) -> String {
        without_password(text)
    }
}

/// An address of a PostgreSQL database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Postgres;

impl Kind for Postgres {
    type Value = String;

    fn takes(&self) -> String {
        "postgresql://user:password@host:port/database".to_owned()
    }

    fn parse(&self, text: &str) -> Result<String, Reason> {
        let scheme = text.starts_with("postgresql://") || text.starts_with("postgres://");
        if scheme && text.parse::<tokio_postgres::Config>().is_ok() { Ok(text.to_owned()) } else { Err(None) }
    }

    fn shown(&self, text: &str) -> String {
        without_password(text)
    }
}

/// An address without what must not be seen; not at all where it can't be told apart.
fn without_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        // Something like a password stands before an @.
        return if text.contains('@') { MASK.to_owned() } else { text.to_owned() };
    };
    let query = url.query().unwrap_or_default().to_ascii_lowercase();
    let in_query = ["password=", "token=", "secret=", "key="].iter().any(|word| query.contains(word));
    if url.password().is_none() && !in_query {
        return text.to_owned();
    }
    if in_query {
        url.set_query(Some(MASK));
    }
    let hidden = url.password().is_none() || url.set_password(Some(MASK)).is_ok();
    if hidden { url.into() } else { MASK.to_owned() }
}

/// Any text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

impl Kind for Plain {
    type Value = String;

    fn takes(&self) -> String {
        "any text, compared letter by letter".to_owned()
    }

    fn parse(&self, text: &str) -> Result<String, Reason> {
        Ok(text.to_owned())
    }
}

/// A folder of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folder;

impl Kind for Folder {
    type Value = PathBuf;

    fn takes(&self) -> String {
        "a folder".to_owned()
    }

    fn parse(&self, text: &str) -> Result<PathBuf, Reason> {
        Ok(PathBuf::from(text))
    }
}

/// A file that can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockFile;

impl Kind for ClockFile {
    type Value = PathBuf;

    fn takes(&self) -> String {
        "a file, for tests alone, and only with BIND_ADDR on loopback".to_owned()
    }

    fn parse(&self, text: &str) -> Result<PathBuf, Reason> {
        Ok(PathBuf::from(text))
    }
}

/// A time zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zone;

impl Kind for Zone {
    type Value = Tz;

    fn takes(&self) -> String {
        "a time zone's name, such as Asia/Ho_Chi_Minh".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Tz, Reason> {
        text.parse().map_err(|_| None)
    }
}

/// A window of quiet hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quiet;

impl Kind for Quiet {
    type Value = Option<Window>;

    fn takes(&self) -> String {
        "two different times such as 21:00-08:00, or off".to_owned()
    }

    fn parse(&self, text: &str) -> Result<Self::Value, Reason> {
        Window::parse(text).map_err(|_| None)
    }
}

/// The waits between attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff;

impl Kind for Backoff {
    type Value = RetryPolicy;

    fn takes(&self) -> String {
        "waits such as 2m,10m,60m, one for each retry, or off".to_owned()
    }

    fn parse(&self, text: &str) -> Result<RetryPolicy, Reason> {
        RetryPolicy::parse(text).map_err(because)
    }
}
