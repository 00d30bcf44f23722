//! The settings (contract §11): read once, checked in one pass before any socket opens.
//!
//! [`variables::TABLE`] is the one list of them. [`Layers`] hold the texts by origin, [`Settings::read`] turns them
//! into one struct for each concern, or into [`Problems`]: a line for each bad value, all at once.

mod kind;
mod layers;
pub mod listing;
mod numbers;
mod reader;
mod rules;
mod secret;
mod sections;
mod texts;
pub mod variables;

use domain::rules::Rules;

pub use layers::{Layers, Origin, Values};
pub use reader::{Problem, Problems};
pub use secret::Secrets;
pub use sections::{
    AccessSettings, DatabaseSettings, N8nSettings, ServerSettings, TraceSettings, WorkerSettings,
};
pub use texts::LogFormat;

use reader::Reader;
use variables as v;

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens and what it logs.
    pub server: ServerSettings,
    /// Where traces go.
    pub traces: TraceSettings,
    /// Which database.
    pub database: DatabaseSettings,
    /// Who may come in.
    pub access: AccessSettings,
    /// Where N8N is.
    pub n8n: N8nSettings,
    /// What the worker does by default.
    pub worker: WorkerSettings,
    /// The rules in force.
    pub rules: Rules,
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// [`Problems`] has a line for each bad value.
    pub fn read(layers: &Layers) -> Result<Self, Problems> {
        let mut reader = Reader::new(layers);
        let server = ServerSettings::read(&mut reader);
        let traces = TraceSettings::read(&mut reader);
        let database = DatabaseSettings::read(&mut reader);
        let access = AccessSettings::read(&mut reader);
        let n8n = N8nSettings::read(&mut reader);
        let worker = WorkerSettings::read(&mut reader);
        let rules = rules::read(&mut reader);
        if let Some(server) = &server {
            keep_to_this_machine(&mut reader, server, &access, n8n.as_ref());
        }
        if let Some(n8n) = &n8n
            && n8n.simulator
            && !layers.has(v::N8N_CALLBACK_SECRET.name)
        {
            reader.refuse(
                &v::N8N_SIMULATOR,
                "off as long as N8N_CALLBACK_SECRET is not set: the simulator calls back with it",
            );
        }
        let problems = reader.into_problems();
        match (server, traces, database, n8n, worker, rules) {
            (Some(server), Some(traces), Some(database), Some(n8n), Some(worker), Some(rules))
                if problems.is_empty() =>
            {
                Ok(Self { server, traces, database, access, n8n, worker, rules })
            }
            _ => Err(Problems(problems)),
        }
    }
}

/// The texts of the settings that are rules, with the defaults: what [`read_rules`] makes the same rules of anywhere.
pub fn rule_texts(layers: &Layers) -> Values {
    let entries = variables::TABLE.iter().filter(|entry| rules::NAMES.contains(&entry.name()));
    let text = |entry: &&dyn v::Entry| layers.find(entry.name()).map(|(text, _)| text).or(entry.default());
    entries.filter_map(|entry| Some((entry.name().to_owned(), text(entry)?.to_owned()))).collect()
}

/// The rules alone.
///
/// # Errors
/// [`Problems`] has a line for each bad value.
pub fn read_rules(layers: &Layers) -> Result<Rules, Problems> {
    let mut reader = Reader::new(layers);
    let rules = rules::read(&mut reader);
    let problems = Problems(reader.into_problems());
    match rules {
        Some(rules) if problems.0.is_empty() => Ok(rules),
        Some(_) | None => Err(problems),
    }
}

/// Beyond this machine a secret must be one that its owner chose and that can't be guessed, and the clock is real.
fn keep_to_this_machine(
    reader: &mut Reader<'_>,
    server: &ServerSettings,
    access: &AccessSettings,
    n8n: Option<&N8nSettings>,
) {
    if server.bind.ip().is_loopback() {
        return;
    }
    if server.test_clock.is_some() {
        reader.refuse(&v::OUTBOUND_TEST_CLOCK_FILE, &v::Entry::takes(&v::OUTBOUND_TEST_CLOCK_FILE));
    }
    let secrets: Vec<_> = secrets(access, n8n).collect();
    for (index, (variable, secret)) in secrets.iter().copied().enumerate() {
        let generated = reader.origin(variable) == Origin::Generated;
        if generated || secret.is_weak() {
            let least = secret::SHORTEST_SAFE;
            let takes = format!(
                "a secret of your own, of at least {least} characters and neither well-known words nor keys side by side, as BIND_ADDR {} can be reached from other machines",
                server.bind
            );
            reader.refuse(variable, &takes);
        }
        for (other, _) in secrets.iter().take(index).filter(|(_, other)| secret.overlaps(other)) {
            let takes = format!(
                "a secret of its own, as BIND_ADDR {} can be reached from other machines: {} has the same",
                server.bind,
                other.name()
            );
            reader.refuse(variable, &takes);
        }
    }
}

/// Every secret that is set, with its setting: what opens the server's doors and what signs.
pub(crate) fn secrets<'a>(
    access: &'a AccessSettings,
    n8n: Option<&'a N8nSettings>,
) -> impl Iterator<Item = (&'static dyn v::Entry, &'a Secrets)> {
    let all: [(&'static dyn v::Entry, Option<&Secrets>); 6] = [
        (&v::JWT_SECRET, access.jwt_secret.as_ref()),
        (&v::WORKER_SECRET, access.worker_secret.as_ref()),
        (&v::N8N_CALLBACK_SECRET, access.callback_secret.as_ref()),
        (&v::SERVICE_TOKEN, access.service_token.as_ref()),
        (&v::METRICS_TOKEN, access.metrics_token.as_ref()),
        (&v::N8N_WEBHOOK_SECRET, n8n.and_then(|n8n| n8n.webhook_secret.as_ref())),
    ];
    all.into_iter().filter_map(|(variable, secret)| Some((variable, secret?)))
}

/// The environment of this process, read once.
pub fn environment() -> Values {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect()
}

#[cfg(test)]
mod tests;
