//! Settings and the strength of secrets.

use super::report::Check;
use crate::settings::{Layers, Origin, Problems, Secrets, Settings, variables as v};

const SETTINGS: &str = "settings";
const SECRETS: &str = "secrets";

/// A line for each bad value.
pub(super) fn problems(problems: &Problems) -> Vec<Check> {
    let advice = "`outbound config` prints every setting; nothing else was checked";
    problems.0.iter().map(|problem| Check::fail(SETTINGS, problem.to_string(), advice)).collect()
}

/// What can be said of settings that are good.
pub(super) fn good(layers: &Layers, settings: &Settings) -> Vec<Check> {
    let mut checks = vec![Check::ok(SETTINGS, "every value is one that it takes")];
    if settings.worker.interval.is_none() {
        checks.push(Check::warn(
            "worker",
            "the worker runs on request only (WORKER_INTERVAL_SECONDS is 0)",
            "see that N8N's schedule calls /api/worker/outbound, or set WORKER_INTERVAL_SECONDS",
        ));
    }
    checks.extend(secrets(layers, settings));
    checks
}

fn secrets(layers: &Layers, settings: &Settings) -> Vec<Check> {
    let (access, n8n) = (&settings.access, &settings.n8n);
    let all: [(&'static str, Option<&Secrets>); 6] = [
        (v::JWT_SECRET.name, access.jwt_secret.as_ref()),
        (v::WORKER_SECRET.name, access.worker_secret.as_ref()),
        (v::N8N_CALLBACK_SECRET.name, access.callback_secret.as_ref()),
        (v::SERVICE_TOKEN.name, access.service_token.as_ref()),
        (v::METRICS_TOKEN.name, access.metrics_token.as_ref()),
        (v::N8N_WEBHOOK_SECRET.name, n8n.webhook_secret.as_ref()),
    ];
    let set: Vec<(&'static str, &Secrets)> =
        all.into_iter().filter_map(|(name, secrets)| Some((name, secrets?))).collect();
    let mut checks: Vec<Check> = access
        .closed()
        .into_iter()
        .map(|line| Check::warn(SECRETS, line, "set it in the server's environment, if that is to be open"))
        .collect();
    for (name, secrets) in &set {
        if secrets.is_weak() {
            checks.push(Check::warn(
                SECRETS,
                format!("{name} can be guessed: it is short, or made of well-known words"),
                "take a longer one, such as that of `openssl rand -hex 24`",
            ));
        }
        if secrets.all().len() > 1 {
            checks.push(Check::warn(
                SECRETS,
                format!("{name} has two values"),
                "take the old one away once everybody uses the new one",
            ));
        }
        let same = set.iter().find(|(other, others)| other > name && others.first() == secrets.first());
        if let Some((other, _)) = same {
            checks.push(Check::warn(
                SECRETS,
                format!("{name} and {other} are the same"),
                "give each its own: who knows one must not know the other",
            ));
        }
    }
    if checks.is_empty() {
        let made_up = set
            .iter()
            .any(|(name, _)| layers.find(name).is_some_and(|(_, origin)| origin == Origin::Generated));
        let whose = if made_up { ", some of them generated: for this machine alone" } else { "" };
        checks.push(Check::ok(SECRETS, format!("{} set, none of them weak{whose}", set.len())));
    }
    checks
}
