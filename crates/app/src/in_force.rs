//! By what the server works: it leaves word in the database, and the commands on data judge by that. Their own
//! environment need not be the server's, and what `serve --demo` chooses is in no environment at all.

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::{DateTime, Utc};
use domain::ports::StoreError;
use domain::rules::Rules;
use storage_pg::{GatewayKind, PgStore};

use crate::settings::{self, Layers, N8nSettings, Origin, Settings, Values};

/// What decides why a message waits, and whether it is really sent.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The rules.
    pub rules: Rules,
    /// Why these are this process's own settings, although a server may have left its own.
    pub unread: Option<String>,
    gateway: Option<GatewayKind>,
}

impl InForce {
    /// What the server that started last left; what this process's own settings say where none ever started, or where
    /// what it left can't be read: by a role without the right to, or by another version.
    pub async fn find(store: &PgStore, own: &Settings) -> Result<Self, StoreError> {
        let unread = |why: &dyn Display| {
            let unread = format!(
                "what the server left of its settings can't be read, so this command goes by its own: {why}"
            );
            Self { unread: Some(unread), ..Self::of(own) }
        };
        let left = match store.in_force().await {
            Ok(Some(left)) => left,
            Ok(None) => return Ok(Self::of(own)),
            Err(error @ (StoreError::Corrupt(_) | StoreError::Refused(_))) => return Ok(unread(&error)),
            Err(error @ (StoreError::Unavailable(_) | StoreError::Busy(_))) => return Err(error),
        };
        let layers = Layers::default().below(Origin::Server, left.rules);
        Ok(match settings::read_rules(&layers) {
            Ok(rules) => Self { rules, unread: None, gateway: left.gateway },
            Err(problems) => unread(&problems),
        })
    }

    /// What these settings say.
    fn of(settings: &Settings) -> Self {
        Self { rules: settings.rules.clone(), unread: None, gateway: kind(&settings.n8n) }
    }

    /// Whether there is an N8N to hand off to, or what stands in for it.
    pub const fn has_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    /// Whether N8N is simulated: nothing is sent.
    pub const fn is_simulated(&self) -> bool {
        matches!(self.gateway, Some(GatewayKind::Simulator))
    }
}

/// In what the server that started last works by other settings than these, a line each; `None` where none ever started.
pub async fn differences(
    store: &PgStore,
    layers: &Layers,
    settings: &Settings,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(left) = store.in_force().await? else { return Ok(None) };
    let mut lines = Vec::new();
    let (there, here) = (left.gateway, kind(&settings.n8n));
    if there != here {
        lines.push(format!("hand-offs go {} there and {} here", whither(there), whither(here)));
    }
    let own = settings::rule_texts(layers);
    let names: BTreeSet<&String> = own.keys().chain(left.rules.keys()).collect();
    let text = |of: &Values, name: &str| of.get(name).cloned().unwrap_or_else(|| "not set".to_owned());
    let pairs = names.into_iter().map(|name| (name, text(&left.rules, name), text(&own, name)));
    let pairs = pairs.filter(|(_, there, here)| there != here);
    lines.extend(pairs.map(|(name, there, here)| format!("{name} is {there} there and {here} here")));
    Ok(Some(lines))
}

const fn whither(gateway: Option<GatewayKind>) -> &'static str {
    match gateway {
        Some(GatewayKind::N8n) => "to N8N",
        Some(GatewayKind::Simulator) => "to the simulator, so that nothing is sent,",
        None => "nowhere",
    }
}

/// Leaves word of what this server works by, in place of what the one before left. It serves without that too: the log
/// tells where its role may not.
pub async fn leave(store: &PgStore, layers: &Layers, settings: &Settings, started_at: DateTime<Utc>) {
    let rules = settings::rule_texts(layers);
    let left = storage_pg::InForce { gateway: kind(&settings.n8n), rules, started_at };
    if let Err(error) = store.leave_in_force(&left).await {
        tracing::warn!(
            %error,
            "the server's settings could not be left in the database; commands beside it go by what is there"
        );
    }
}

/// The simulator stands in for N8N also where its address is set.
const fn kind(n8n: &N8nSettings) -> Option<GatewayKind> {
    match (n8n.simulator, &n8n.webhook_url) {
        (true, _) => Some(GatewayKind::Simulator),
        (false, Some(_)) => Some(GatewayKind::N8n),
        (false, None) => None,
    }
}
