//! What these tests share.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use delivery_n8n::{N8nGateway, N8nSettings, SettingsError};
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::LeaseId;
use domain::message::{Content, Message, Priority, Text};
use domain::ports::{Clock, DeliveryGateway as _, HandOff, HandOffAnswer};
use uuid::Uuid;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still, and so never wakes a sleeper.
pub(crate) struct Stopped;

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    async fn sleep(&self, _: TimeDelta) {
        std::future::pending().await
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T09:00:00Z".parse().unwrap()
}

pub(crate) fn lease() -> LeaseId {
    LeaseId::new(Uuid::from_u128(0xa))
}

/// An SMS to this number, with nothing that it need not have.
pub(crate) fn message(to: &str) -> Message {
    let content = Content {
        channel: Channel::Sms,
        to: Some(Address::parse(Channel::Sms, to).unwrap()),
        template_key: None,
        text: Text("Chào Lan".to_owned()),
        lead_id: None,
        student_id: None,
        notification_id: None,
        owner_id: None,
        branch_id: None,
        job_id: None,
        full_name: None,
        owner_name: None,
        created_by: Actor::System,
        scheduled_at: None,
    };
    let created_at = "2026-11-20T08:00:00.123456Z".parse().unwrap();
    Message::queued(
        domain::ids::MessageId::new(Uuid::from_u128(1)),
        content,
        Priority::Medium,
        None,
        created_at,
    )
}

pub(crate) fn settings(webhook_url: &str) -> N8nSettings {
    N8nSettings {
        webhook_url: webhook_url.to_owned(),
        timeout: PATIENCE,
        secrets: Vec::new(),
        callback_url: None,
        max_per_second: None,
    }
}

pub(crate) fn gateway_with(settings: N8nSettings) -> Result<N8nGateway, SettingsError> {
    // Another test may have installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    N8nGateway::new(settings, Arc::new(Stopped))
}

pub(crate) fn gateway(webhook_url: &str) -> N8nGateway {
    gateway_with(settings(webhook_url)).unwrap()
}

pub(crate) fn impatient_gateway(webhook_url: &str, timeout: Duration) -> N8nGateway {
    gateway_with(N8nSettings { timeout, ..settings(webhook_url) }).unwrap()
}

/// Hands off one message, as it comes.
pub(crate) async fn hand_off(gateway: &N8nGateway) -> HandOffAnswer {
    gateway.hand_off(HandOff { message: &message("0901234567"), lease: lease(), traceparent: None }).await
}

pub(crate) fn error_of(answer: HandOffAnswer) -> String {
    match answer {
        HandOffAnswer::NotAccepted { error, .. } | HandOffAnswer::Refused { error } => error,
        other @ (HandOffAnswer::Accepted | HandOffAnswer::Settled(_) | HandOffAnswer::Unknown) => {
            panic!("no error in {other:?}")
        }
    }
}
