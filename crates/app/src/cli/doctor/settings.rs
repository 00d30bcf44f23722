//! Settings and the strength of secrets.

use super::report::Check;
use crate::settings::{self, Layers, Origin, Problems, Secrets, Settings};

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
    let set: Vec<(&str, &Secrets)> = settings::secrets(&settings.access, Some(&settings.n8n))
        .map(|(variable, secrets)| (variable.name(), secrets))
        .collect();
    let mut checks: Vec<Check> = settings
        .access
        .closed()
        .into_iter()
        .map(|line| Check::warn(SECRETS, line, "set it in the server's environment, if that is to be open"))
        .collect();
    for (name, secrets) in &set {
        if secrets.is_weak() {
            checks.push(Check::warn(
                SECRETS,
                format!(
                    "{name} can be guessed: it is short, or made of well-known words or keys side by side"
                ),
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
        let same = set.iter().find(|(other, others)| other > name && others.overlaps(secrets));
        if let Some((other, _)) = same {
            checks.push(Check::warn(
                SECRETS,
                format!("{name} and {other} have the same"),
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
