//! `outbound explain`.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;
use domain::access::Scope;
use domain::explain::{Explanation, Language};
use domain::ids::MessageId;
use domain::message::timeline::{Line, lines};
use domain::message::{FailureKind, Status};
use domain::ports::{Detail, MessageReader as _};
use domain::usecase::explain::explain_message;
use http_api::present;

use super::data::Data;
use super::{Failure, say};
use crate::data_dir::DataDir;
use crate::settings::Layers;

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound explain 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e
  outbound explain 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e --language vi
  outbound explain 0199a3c2-7b1e-7c55-9d0e-5a4f0c1b2d3e --json | jq -r '.explain.reasons[].code'

The JSON is that of GET /api/outbound/messages/{id}. Quiet hours, limits and where messages go are those of the server
that started last.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The message's id
    #[arg(value_name = "ID")]
    id: MessageId,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// The language of the reasons: en or vi
    #[arg(long, default_value = "en", value_parser = str::parse::<Language>)]
    language: Language,
}

pub(super) async fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> Result<(), Failure> {
    let data = Data::open(layers, data_dir).await?;
    let told = explain(options, &data).await;
    data.close().await?;
    say(&told?);
    Ok(())
}

async fn explain(options: &Options, data: &Data) -> anyhow::Result<String> {
    let found = data.storage.store.detail(options.id, &Scope::everything()).await?;
    let detail = found.with_context(|| format!("there is no message {}", options.id))?;
    let explanation = explain_message(&data.deps(), &detail.message, data.in_force.has_gateway()).await?;
    let simulator = data.in_force.is_simulated();
    let calendar = &data.in_force.rules.quiet_hours;
    if options.json {
        let value = present::message(&detail, &explanation, options.language, calendar, simulator)?;
        return Ok(serde_json::to_string_pretty(&value)?);
    }
    let mut text = as_text(&detail, &explanation, options.language, calendar.zone());
    if simulator {
        text.push_str("\n\n");
        text.push_str(simulated(options.language));
    }
    Ok(text)
}

/// Where it stands, why, and how it came there; times in the zone of the rules.
fn as_text(detail: &Detail, explanation: &Explanation, language: Language, zone: Tz) -> String {
    let message = &detail.message;
    let status = match message.state.failure_kind() {
        Some(kind) => format!("{} ({})", message.status(), FailureKind::as_str(kind)),
        None => message.status().to_string(),
    };
    let mut text = vec![
        format!("{}  {status}", message.id),
        format!("{} {}, attempt {}", message.priority, message.content.channel, message.attempt),
        String::new(),
    ];
    text.extend(explanation.reasons.iter().map(|reason| {
        let sentence = reason.sentence(language, zone);
        format!("{}  {sentence}", reason.code())
    }));
    text.extend(explanation.expected_at.map(|at| format!("Expected to go: {}", local(at, zone))));
    text.push(String::new());
    text.extend(lines(message, &detail.entries, &detail.holders).iter().map(|line| step(line, zone)));
    text.join("\n")
}

/// What must not be mistaken: a message that is SENT went nowhere.
const fn simulated(language: Language) -> &'static str {
    match language {
        Language::Vietnamese => "N8N được mô phỏng: không tin nào được gửi thật.",
        Language::English => "N8N is simulated: nothing is sent to anybody.",
    }
}

fn step(line: &Line, zone: Tz) -> String {
    let move_ = match line.from {
        Some(from) => format!("{from} -> {}", line.to),
        None => Status::as_str(line.to).to_owned(),
    };
    let (kind, by) = (line.kind.as_str(), line.by.to_string());
    let detail = line.detail.as_deref().unwrap_or_default();
    let text = format!("{}  {kind:<19} {move_:<24} {by}  {detail}", local(line.at, zone));
    text.trim_end().to_owned()
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}
