//! `POST /api/outbound/messages?dryRun=true`: everything that would be wrong or noteworthy, at once.

use domain::access::Caller;
use domain::explain::Language;
use domain::policy::quiet_hours::QuietStatus;
use domain::usecase::create::CreateCommand;
use domain::usecase::create::advise::{Advice, RecipientAdvice, advise};
use domain::usecase::create::prepare::{Problem, ProblemKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::create::CreateMessage;
use super::notice::NoticeView;
use super::problems::refusal;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, FieldProblem};
use crate::fields::Fields;
use crate::sms::SmsView;
use crate::words::Time;
use crate::worker::report::QuietHoursView;

/// What a message would come to. Nothing was stored.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageAdvice {
    /// Whether it would be queued: nothing is wrong, and it would not be skipped.
    would_create: bool,
    /// Everything that is wrong.
    problems: Vec<ProblemView>,
    /// Everything that is worth knowing.
    notices: Vec<NoticeView>,
    /// The text as the customer would see it; null where it can't be told.
    rendered_text: Option<String>,
    /// Where it would go; null where it can't be told, or where N8N looks it up.
    to: Option<String>,
    /// The quiet hours of the channel at the time when it is due.
    quiet_hours: QuietHoursView,
    /// When it is expected to go; missing where it would not be queued, or depends on people.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_at: Option<Time>,
    /// What the text amounts to as an SMS; null on other channels.
    sms: Option<SmsView>,
    /// Whether it would be a duplicate.
    duplicate: bool,
    /// Whether the recipient has opted out of the channel.
    opted_out: bool,
    /// The variables that the template needs and that are empty.
    missing_variables: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemView {
    /// Where: `variables.name`, `to`.
    path: String,
    /// What is wrong there.
    reason: String,
    /// The code that this problem alone would be answered with.
    #[schema(example = "VALIDATION_ERROR")]
    code: &'static str,
}

impl From<FieldProblem> for ProblemView {
    fn from(problem: FieldProblem) -> Self {
        let error = ApiError::Validation(Vec::new());
        Self { path: problem.path, reason: problem.reason, code: error.code() }
    }
}

impl From<&Problem> for ProblemView {
    fn from(problem: &Problem) -> Self {
        let code = refusal(vec![problem.clone()]).code();
        Self { path: problem.field.clone(), reason: problem.reason.clone(), code }
    }
}

/// Says what a message would come to.
pub(super) async fn answer(
    api: &Api,
    caller: &Caller,
    form: CreateMessage,
    language: Language,
) -> Result<Answer, ApiError> {
    let mut fields = Fields::default();
    let command = form.read(&mut fields);
    let unreadable = fields.into_problems();
    let Some(command) = command else {
        return Answer::ok(&MessageAdvice { problems: problem_views(unreadable, &[]), ..Default::default() });
    };
    let advice = advise(&api.deps(api.stores()), caller, &command, api.gateway.is_some()).await?;
    Answer::ok(&view(api, &command, unreadable, advice, language))
}

fn view(
    api: &Api,
    command: &CreateCommand,
    unreadable: Vec<FieldProblem>,
    advice: Advice,
    language: Language,
) -> MessageAdvice {
    let Advice { problems: common, notices, quiet_until, expected_at, mut recipients } = advice;
    let one = recipients.pop();
    let (mut problems, own_notices) = one.as_ref().map_or_else(Default::default, |one| {
        (common.iter().chain(&one.problems).cloned().collect::<Vec<_>>(), one.notices.as_slice())
    });
    let id_unreadable = unreadable.iter().any(|problem| matches!(&*problem.path, "leadId" | "studentId"));
    if id_unreadable && command.recipients.iter().all(|recipient| recipient.to.is_none()) {
        // A recipient was named, in a way that can't be read: that has been said.
        problems.retain(|problem| problem.field != "to");
    }
    let skipped = one.as_ref().is_some_and(|one| one.skipped().is_some());
    let would_create = problems.is_empty() && unreadable.is_empty() && !skipped;
    let calendar = &api.rules.quiet_hours;
    let all_notices = notices.iter().chain(own_notices);
    MessageAdvice {
        would_create,
        missing_variables: missing_variables(&problems),
        problems: problem_views(unreadable, &problems),
        notices: all_notices.map(|notice| NoticeView::new(notice, language, calendar)).collect(),
        quiet_hours: quiet_hours(quiet_until),
        expected_at: expected_at.filter(|_| would_create).map(Time),
        ..one.map_or_else(MessageAdvice::default, of_recipient)
    }
}

fn of_recipient(one: RecipientAdvice) -> MessageAdvice {
    MessageAdvice {
        sms: one.sms.map(SmsView::from),
        rendered_text: one.text,
        to: one.to.map(|to| to.as_str().to_owned()),
        duplicate: one.duplicate,
        opted_out: one.opted_out,
        ..MessageAdvice::default()
    }
}

fn problem_views(unreadable: Vec<FieldProblem>, problems: &[Problem]) -> Vec<ProblemView> {
    unreadable.into_iter().map(ProblemView::from).chain(problems.iter().map(ProblemView::from)).collect()
}

fn missing_variables(problems: &[Problem]) -> Vec<String> {
    let missing = problems.iter().filter(|problem| problem.kind == ProblemKind::MissingVariable);
    missing.filter_map(|problem| problem.field.strip_prefix("variables.")).map(str::to_owned).collect()
}

fn quiet_hours(until: Option<chrono::DateTime<chrono::Utc>>) -> QuietHoursView {
    let status = QuietStatus { active: until.is_some(), ends_at: until, closed: Vec::new() };
    QuietHoursView::from(&status)
}
