//! The log: what is written, and in which format (docs/LOGGING.md). What we log names messages by id, never by phone
//! number or text.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::{LogFormat, ServerSettings};

/// The crates whose every line we know. Libraries write what they are given into theirs below `info`: the driver of
/// the database logs the parameters of statements, and so phone numbers and texts.
const OURS: [&str; 7] =
    ["app", "delivery_n8n", "domain", "embedded_postgres", "http_api", "storage_pg", "web_ui"];

/// Writes the log of this process to standard error from now on; a second call changes nothing.
pub fn init(settings: &ServerSettings) {
    // The filter was checked with the settings.
    let chosen = EnvFilter::try_new(&settings.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let harmless = filter_fn(is_harmless).with_max_level_hint(LevelFilter::TRACE);
    let for_people = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(for_people);
    let lines = match settings.log_format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let _ = tracing_subscriber::registry().with(lines.with_filter(chosen.and(harmless))).try_init();
}

/// Whether a line may be written, whatever the filter says.
fn is_harmless(line: &Metadata<'_>) -> bool {
    let crate_name = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::INFO || OURS.contains(&crate_name)
}
