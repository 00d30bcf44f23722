//! The way to N8N, or what stands in for it.

use std::sync::Arc;

use anyhow::Context as _;
use delivery_n8n::{N8nGateway, N8nSettings, Secret, SimulatorGateway, SimulatorSettings};
use domain::ports::{Clock, DeliveryGateway};

use crate::settings::{Secrets, Settings};

/// Where N8N calls back, below a server's address.
const CALLBACK_PATH: &str = "/api/outbound/callback";

/// The way that a server hands messages off.
pub enum Gateway {
    /// To N8N.
    N8n(Arc<N8nGateway>),
    /// To the simulator: nothing is sent.
    Simulator(Arc<SimulatorGateway>),
    /// There is none: the worker can't push.
    None,
}

impl Gateway {
    /// The way that the settings name; `own_url` is where this server can be reached from its own machine.
    pub fn new(settings: &Settings, own_url: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let n8n = &settings.n8n;
        if n8n.simulator {
            let secret = settings.access.callback_secret.as_ref().map(Secrets::first).unwrap_or_default();
            let simulator = SimulatorSettings::new(format!("{own_url}{CALLBACK_PATH}"), secret);
            let simulator = SimulatorGateway::new(simulator, Arc::clone(clock)).context("N8N_SIMULATOR")?;
            return Ok(Self::Simulator(Arc::new(simulator)));
        }
        let Some(url) = &n8n.webhook_url else { return Ok(Self::None) };
        let gateway = N8nSettings {
            webhook_url: url.to_string(),
            timeout: n8n.timeout.to_std().context("N8N_TIMEOUT_SECONDS")?,
            secrets: signing_secrets(settings)?,
            callback_url: callback_url(settings),
            max_per_second: n8n.max_per_second,
        };
        let gateway = N8nGateway::new(gateway, Arc::clone(clock)).context("N8N_WEBHOOK_URL")?;
        Ok(Self::N8n(Arc::new(gateway)))
    }

    /// As the use cases need it.
    pub fn port(&self) -> Option<Arc<dyn DeliveryGateway>> {
        match self {
            Self::N8n(gateway) => Some(Arc::clone(gateway) as Arc<dyn DeliveryGateway>),
            Self::Simulator(gateway) => Some(Arc::clone(gateway) as Arc<dyn DeliveryGateway>),
            Self::None => None,
        }
    }

    /// Says plainly in the log where messages go.
    pub fn announce(&self) {
        match self {
            Self::N8n(_) => tracing::info!("messages are handed off to N8N_WEBHOOK_URL"),
            Self::Simulator(_) => {
                tracing::warn!(
                    "N8N_SIMULATOR is on: NOTHING IS SENT to anybody, hand-offs and callbacks are simulated"
                );
            }
            Self::None => {
                tracing::warn!(
                    "N8N_WEBHOOK_URL is not set: the worker can't push, messages wait or are pulled"
                );
            }
        }
    }

    /// Gives up what the simulator still had in mind.
    pub async fn stop(&self) {
        match self {
            Self::Simulator(simulator) => simulator.stop().await,
            Self::N8n(_) | Self::None => {}
        }
    }
}

/// What signs hand-offs, and may sign callbacks.
pub fn signing_secrets(settings: &Settings) -> anyhow::Result<Vec<Secret>> {
    let secrets = settings.n8n.webhook_secret.iter().flat_map(Secrets::all);
    secrets.map(|secret| Secret::parse(secret)).collect::<Result<_, _>>().context("N8N_WEBHOOK_SECRET")
}

/// Where N8N calls back, where the server knows its own address.
pub fn callback_url(settings: &Settings) -> Option<String> {
    let public = settings.server.public_url.as_ref()?;
    Some(format!("{}{CALLBACK_PATH}", public.as_str().trim_end_matches('/')))
}
