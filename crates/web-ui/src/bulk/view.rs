//! The page: what to say, the list, and what would become of it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::columns::Role;
use super::draft::{Draft, Terms};
use super::report::{Line, Report, Verdict};
use super::send::ROWS;
use super::sheet::Sheet;
use crate::error::PageError;
use crate::frame::{Frame, Place, show};
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::choice::{Choice, channels, priorities, templates};
use crate::present::status::Pill;
use crate::present::time::{LOCAL, Moment};
use crate::present::{people, problem, sms};
use crate::visit::{May, MessagingCreate};

/// A column of the list, and what it may hold.
struct Column {
    name: String,
    /// What stands in its first row.
    sample: String,
    choices: Vec<Choice>,
    is_used: bool,
}

/// The list as the page shows and carries it.
struct List {
    csv: String,
    separator: char,
    has_header: bool,
    rows: String,
    columns: Vec<Column>,
    /// The variables that no column gives.
    open: Vec<String>,
}

/// A row of the report.
struct ReportRow<'a> {
    line: u64,
    pill: Pill,
    whom: &'a str,
    reason: &'a str,
    text: String,
}

/// The report as the page shows it.
struct Findings<'a> {
    problems: &'a [String],
    notices: &'a [String],
    expected: Option<&'a Moment>,
    tiles: Vec<(Pill, String)>,
    good: usize,
    good_text: String,
    rejected: usize,
    rows: Vec<ReportRow<'a>>,
    /// How many rows are not shown.
    more: Option<String>,
    sms: Option<String>,
    /// What the box says that drops the diacritics, where that saves or has saved some.
    plainer: Option<String>,
    sample: Option<&'a str>,
    /// The digest of what was looked at.
    seen: String,
    part: usize,
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage<'a> {
    f: &'a Frame,
    draft: &'a Draft,
    channels: Vec<Choice>,
    templates: Vec<Choice>,
    priorities: Vec<Choice>,
    earliest: String,
    channel_icon: &'static str,
    text_name: String,
    body: Option<String>,
    unread: Option<String>,
    list: Option<List>,
    findings: Option<Findings<'a>>,
    /// What sending it came to.
    refused: &'a [String],
}

/// The page of a draft. `refused` is what sending it came to.
pub(super) async fn page(
    may: &May<MessagingCreate>,
    pages: &Pages,
    mut draft: Draft,
    refused: &[String],
) -> Result<HttpResponse, PageError> {
    let lang = may.visit.lang;
    let all = pages.stores.templates().await?;
    let mine: Vec<_> = all.iter().filter(|one| one.is_active && one.channel == draft.channel).collect();
    // Another channel has other templates.
    draft.template = draft.template.filter(|key| mine.iter().any(|one| one.key == *key));
    let terms = draft.terms(pages).await?;
    let report = match draft.sheet() {
        Some(sheet) => Some(Report::of(lang, pages, &may.caller, &draft, &terms, sheet).await?),
        None => None,
    };
    let frame = Frame::new(&may.visit, pages, Place::Bulk).of_draft("/outbound/bulk/check");
    let page = BulkPage {
        channels: channels(lang, draft.channel),
        templates: templates(&mine, draft.template.as_ref()),
        priorities: priorities(lang, draft.priority),
        earliest: pages.clock.now().with_timezone(&pages.zone()).format(LOCAL).to_string(),
        channel_icon: people::channel_icon(draft.channel),
        text_name: draft.text_name(),
        body: terms.template.as_ref().map(|template| sms::unbroken(template.body.source())),
        unread: draft.list.as_ref().and_then(|list| list.as_ref().err()).map(|error| error.sentence(lang)),
        list: draft.sheet().map(|sheet| list(lang, sheet, &terms)),
        findings: report.as_ref().map(|report| findings(lang, report, draft.plain, terms.digest(&draft))),
        draft: &draft,
        refused,
        f: &frame,
    };
    let mut answer = show(&page, &frame)?;
    if !refused.is_empty() || page.unread.is_some() {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn list(lang: Lang, sheet: &Sheet, terms: &Terms) -> List {
    let variables = terms.template.as_ref().map_or(&[][..], |template| template.body.variables());
    let columns = sheet.names.iter().zip(&terms.roles).enumerate().map(|(place, (name, role))| Column {
        name: if sheet.has_header { name.clone() } else { format!("{} {name}", lang.t("Cột", "Column")) },
        sample: sheet
            .rows
            .iter()
            .find_map(|row| row.cells.get(place).filter(|cell| !cell.is_empty()).cloned())
            .unwrap_or_default(),
        choices: choices(lang, role, variables),
        is_used: *role != Role::Nothing,
    });
    let given = |name: &String| terms.roles.contains(&Role::Variable(name.clone()));
    let known = |name: &String| matches!(name.as_str(), "name" | "phone" | "ownerName");
    List {
        csv: sheet.canonical(),
        separator: sheet.separator,
        has_header: sheet.has_header,
        rows: lang.number(sheet.rows.len() as u64),
        columns: columns.collect(),
        open: variables
            .iter()
            .filter(|name| !given(name) && !known(name))
            .map(|name| problem::variable(lang, name))
            .collect(),
    }
}

/// What a column may hold.
fn choices(lang: Lang, role: &Role, variables: &[String]) -> Vec<Choice> {
    let one = |of: Role, label: &str| Choice {
        value: of.word(),
        label: label.to_owned(),
        note: String::new(),
        icon: "",
        is_chosen: of == *role,
    };
    let fixed = [
        one(Role::Nothing, lang.t("— Không dùng —", "— Not used —")),
        one(Role::To, lang.t("Số điện thoại / mã người nhận", "Phone / recipient's id")),
        one(Role::Lead, lang.t("Mã lead", "Lead id")),
        one(Role::Student, lang.t("Mã học viên", "Student id")),
    ];
    let own = variables.iter().filter(|name| *name != "phone").map(|name| {
        let label = problem::variable(lang, name);
        let label =
            if label == *name { format!("{{{{ {name} }}}}") } else { format!("{label} {{{{ {name} }}}}") };
        let label = sms::unbroken(&label);
        one(Role::Variable(name.clone()), &label)
    });
    fixed.into_iter().chain(own).collect()
}

fn findings<'a>(lang: Lang, report: &'a Report, is_plain: bool, seen: String) -> Findings<'a> {
    let count = |verdict| report.count(verdict);
    let kinds = [Verdict::Good, Verdict::Skipped, Verdict::Rejected];
    let rows: Vec<_> = report.shown().into_iter().map(|line| row(lang, line)).collect();
    let more = report.lines.len() - rows.len();
    let (sms, plain) = report.sms();
    let plainer = lang.t("Bỏ dấu: chỉ còn {n} SMS", "Drop the diacritics: only {n} SMS");
    let plainer = plainer.replace("{n}", &lang.number(plain as u64));
    Findings {
        problems: &report.problems,
        notices: &report.notices,
        expected: report.expected.as_ref(),
        tiles: kinds.map(|kind| (kind.pill(lang), lang.number(count(kind) as u64))).into(),
        good: count(Verdict::Good),
        good_text: lang.number(count(Verdict::Good) as u64),
        rejected: count(Verdict::Rejected),
        rows,
        more: (more > 0).then(|| lang.number(more as u64)),
        sms: (sms > 0).then(|| lang.number(sms as u64)),
        plainer: (plain < sms || is_plain).then_some(plainer),
        sample: report.lines.iter().find(|line| line.verdict == Verdict::Good).map(|line| line.text.as_str()),
        seen,
        part: ROWS,
    }
}

fn row(lang: Lang, line: &Line) -> ReportRow<'_> {
    ReportRow {
        line: line.line,
        pill: line.verdict.pill(lang),
        whom: &line.whom,
        reason: &line.reason,
        text: line.text.chars().take(240).collect(),
    }
}
