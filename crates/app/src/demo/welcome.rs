//! What `serve --demo` prints once it serves.

use chrono::TimeDelta;
use domain::access::Role;
use domain::ports::Clock as _;

use super::people::OWNERS;
use crate::clock::SystemClock;
use crate::settings::{Secrets, Settings};
use crate::token::{Holder, issue};

/// How long the tokens are good for.
const TOKENS_FOR: TimeDelta = TimeDelta::days(7);

/// Where the server is, who may log in, and three commands to paste.
pub fn welcome(url: &str, settings: &Settings) -> anyhow::Result<String> {
    let mut text = format!("\nThe queue: {url}/outbound (sign in with one click)\nThe API:   {url}/docs\n\n");
    text.push_str(match (settings.n8n.simulator, &settings.n8n.webhook_url) {
        (true, _) => "N8N is simulated: NOTHING IS SENT to anybody.\n",
        (false, Some(_)) => {
            "Messages are handed off to N8N_WEBHOOK_URL: the demo's messages too, once the worker runs.\n"
        }
        (false, None) => {
            "N8N_SIMULATOR is off and N8N_WEBHOOK_URL is not set: the worker hands nothing off.\n"
        }
    });
    let quiet = match settings.rules.quiet_hours.default_window() {
        None => "Quiet hours are off (OPS_QUIET_HOURS).\n".to_owned(),
        Some(window) => format!("Quiet hours are {window}: nothing goes out then (OPS_QUIET_HOURS).\n"),
    };
    text.push_str(&quiet);
    let access = &settings.access;
    let Some(jwt) = &access.jwt_secret else {
        text.push_str("JWT_SECRET is not set, so there are no tokens to try the API with.\n");
        return Ok(text);
    };
    let admin = token(jwt, "admin", Role::Admin, None, "Quản trị")?;
    let [(sales, sales_name, branch), ..] = OWNERS;
    let manager = token(jwt, "m1", Role::Manager, Some(branch), "Trưởng chi nhánh")?;
    let telesales = token(jwt, sales, Role::Telesales, Some(branch), sales_name)?;
    text.push_str(&format!("\nTokens, good for {} days:\n", TOKENS_FOR.num_days()));
    text.push_str(&format!("  admin                 {admin}\n"));
    text.push_str(&format!("  manager of {branch}         {manager}\n"));
    text.push_str(&format!("  telesales {sales} of {branch}    {telesales}\n"));
    let Some(worker) = &access.worker_secret else {
        text.push_str("\nWORKER_SECRET is not set, so the worker can't be run by request.\n");
        return Ok(text);
    };
    text.push_str("\nTo try it, paste into another terminal: queue a message, run the worker, see what became of it.\n\n");
    text.push_str(&commands(url, &admin, worker.first()));
    Ok(text)
}

/// They work when they are pasted, one by one or all at once, as often as one likes.
fn commands(url: &str, token: &str, worker_secret: &str) -> String {
    let body = r#"{"channel":"SMS","templateKey":"remind_paid50","leadId":"lead-01","priority":"HIGH","allowDuplicate":true}"#;
    format!(
        "ID=$(curl -sS {url}/api/outbound/messages -H 'authorization: Bearer {token}' -H 'content-type: application/json' \
         -d '{body}' | grep -o '\"id\":\"[^\"]*\"' | head -n 1 | cut -d '\"' -f 4); echo \"queued: $ID\"\n\n\
         curl -sS -X POST {url}/api/worker/outbound -H 'x-worker-secret: {worker_secret}'; echo\n\n\
         sleep 1; curl -sS {url}/api/outbound/messages/$ID -H 'authorization: Bearer {token}'; echo\n"
    )
}

fn token(
    secret: &Secrets,
    subject: &str,
    role: Role,
    branch: Option<&str>,
    name: &str,
) -> anyhow::Result<String> {
    let holder = Holder {
        subject: subject.to_owned(),
        role,
        branch: branch.map(str::to_owned),
        name: Some(name.to_owned()),
    };
    issue(secret.first(), &holder, SystemClock.now(), TOKENS_FOR)
}
