//! What would become of each row, by the same use case as the API's `dryRun`.

use domain::access::Caller;
use domain::explain::Reason;
use domain::message::SkipReason;
use domain::usecase::create::advise::{Advice, RecipientAdvice, advise};
use domain::usecase::create::notice::Notice;
use domain::usecase::create::prepare::{Problem, ProblemKind};

use super::columns::Role;
use super::draft::{Draft, Recipients, Terms};
use super::sheet::{Row, Sheet};
use crate::error::PageError;
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::status::Pill;
use crate::present::time::{Moment, moment};
use crate::present::told::told;
use crate::present::{people, problem};

/// How many rows of each kind a page shows.
const SHOWN: usize = 60;

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It is left out.
    Rejected,
    /// It is stored, but not sent.
    Skipped,
    /// It is queued.
    Good,
}

/// A row with what it comes to.
pub(super) struct Line {
    /// Its place in the list.
    pub(super) place: usize,
    /// Its line in the file.
    pub(super) line: u64,
    pub(super) verdict: Verdict,
    /// Whom it is for.
    pub(super) whom: String,
    /// What is wrong, or why it is skipped.
    pub(super) reason: String,
    /// What it would say.
    pub(super) text: String,
    sms: usize,
    sms_plain: usize,
}

/// The report on a list.
pub(super) struct Report {
    /// What is wrong for all rows: nothing can be sent.
    pub(super) problems: Vec<String>,
    /// What is worth knowing about all.
    pub(super) notices: Vec<String>,
    /// When the first are expected to go.
    pub(super) expected: Option<Moment>,
    /// All rows in the list's order.
    pub(super) lines: Vec<Line>,
}

impl Report {
    /// Looks at the list.
    pub(super) async fn of(
        lang: Lang,
        pages: &Pages,
        caller: &Caller,
        draft: &Draft,
        terms: &Terms,
        sheet: &Sheet,
    ) -> Result<Self, PageError> {
        let (at, wrong_time) = match draft.goes_at(pages) {
            Ok(at) => (at, None),
            Err(problem) => (None, Some(problem)),
        };
        let Recipients { specs, places, unreadable } = Recipients::read(lang, sheet, &terms.roles);
        let command = draft.command(at, specs);
        let advice = advise(&pages.deps(), caller, &command, pages.gateway.is_some()).await?;
        let Advice { problems, notices, quiet_until: _, expected_at, recipients } = advice;
        let mut lines: Vec<Line> = recipients
            .into_iter()
            .zip(places)
            .filter_map(|(advice, place)| Some(line(lang, place, sheet.rows.get(place)?, terms, advice)))
            .collect();
        lines.extend(
            unreadable
                .into_iter()
                .filter_map(|(place, reason)| Some(rejected(place, sheet.rows.get(place)?, terms, reason))),
        );
        lines.sort_by_key(|line| line.place);
        let mut said: Vec<String> =
            wrong_time.iter().chain(&problems).map(|one| problem::sentence(lang, one)).collect();
        said.extend(no_recipient_column(lang, terms));
        said.extend(braces(lang, draft));
        said.dedup();
        let (now, zone) = (pages.clock.now(), pages.zone());
        let notices = notices.iter().filter(|one| !matches!(one, Notice::Fate(Reason::Scheduled(_))));
        Ok(Self {
            problems: said,
            notices: notices.map(|one| one.sentence(lang.0, zone)).collect(),
            expected: expected_at.filter(|at| *at > now).map(|at| moment(at, now, zone)),
            lines,
        })
    }

    /// How many rows come to this.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.lines.iter().filter(|line| line.verdict == verdict).count()
    }

    /// In how many SMS the good rows go out, and in how many without diacritics.
    pub(super) fn sms(&self) -> (usize, usize) {
        let good = self.lines.iter().filter(|line| line.verdict == Verdict::Good);
        good.fold((0, 0), |(sms, plain), line| (sms + line.sms, plain + line.sms_plain))
    }

    /// The rows that a page shows: what needs a look first, and some of each kind.
    pub(super) fn shown(&self) -> Vec<&Line> {
        let of = |verdict| self.lines.iter().filter(move |line| line.verdict == verdict).take(SHOWN);
        of(Verdict::Rejected).chain(of(Verdict::Skipped)).chain(of(Verdict::Good)).collect()
    }
}

/// Without a column that says whom it is for, every row would be wrong in the same way.
fn no_recipient_column(lang: Lang, terms: &Terms) -> Option<String> {
    let has_one = terms.roles.iter().any(|role| match role {
        Role::To | Role::Lead | Role::Student => true,
        Role::Variable(_) | Role::Nothing => false,
    });
    let text = lang.t(
        "Chưa có cột nào cho biết người nhận. Hãy chọn cột số điện thoại, mã lead hoặc mã học viên.",
        "No column says whom it is for. Choose the one with the phone, the lead's or the student's id.",
    );
    (!has_one).then(|| text.to_owned())
}

/// Variables stand for something in templates alone.
fn braces(lang: Lang, draft: &Draft) -> Option<String> {
    let text = lang.t(
        "Nội dung tự soạn không điền được biến {{ … }}. Hãy lưu nó thành mẫu tin, hoặc bỏ các biến.",
        "A text that is written freely has no variables {{ … }}. Save it as a template, or take them out.",
    );
    (draft.template.is_none() && draft.text.contains("{{")).then(|| text.to_owned())
}

fn line(lang: Lang, place: usize, row: &Row, terms: &Terms, advice: RecipientAdvice) -> Line {
    let skipped = advice.skipped();
    let RecipientAdvice { problems, to, text, sms, .. } = advice;
    if !problems.is_empty() {
        let mut said: Vec<String> = problems.iter().map(|one| sentence(lang, one)).collect();
        said.dedup();
        return Line { text: text.unwrap_or_default(), ..rejected(place, row, terms, said.join(" ")) };
    }
    let (parts, plain) = sms.map_or((0, 0), |size| (size.parts, size.parts_without_diacritics));
    Line {
        verdict: if skipped.is_some() { Verdict::Skipped } else { Verdict::Good },
        whom: to.map_or_else(|| whom(row, terms), |to| people::address(to.as_str())),
        reason: skipped.map(|reason| told(lang, SkipReason::as_str(reason))).unwrap_or_default(),
        text: text.unwrap_or_default(),
        sms: parts,
        sms_plain: plain,
        place,
        line: row.line,
    }
}

fn rejected(place: usize, row: &Row, terms: &Terms, reason: String) -> Line {
    Line {
        place,
        line: row.line,
        verdict: Verdict::Rejected,
        whom: whom(row, terms),
        reason,
        text: String::new(),
        sms: 0,
        sms_plain: 0,
    }
}

/// What the row says of whom it is for.
fn whom(row: &Row, terms: &Terms) -> String {
    let of = |wanted: Role| {
        let place = terms.roles.iter().position(|role| *role == wanted)?;
        row.cells.get(place).filter(|cell| !cell.is_empty()).cloned()
    };
    of(Role::To).or_else(|| of(Role::Student)).or_else(|| of(Role::Lead)).unwrap_or_default()
}

/// A row's problem; it is about a cell rather than about a choice.
pub(super) fn sentence(lang: Lang, one: &Problem) -> String {
    match (one.kind, one.field.as_str()) {
        (ProblemKind::Invalid, "to") if one.reason.starts_with("one of") => lang
            .t("Thiếu số điện thoại hoặc mã người nhận.", "It has neither a phone number nor an id.")
            .to_owned(),
        (
            ProblemKind::Invalid
            | ProblemKind::NotFound
            | ProblemKind::Forbidden
            | ProblemKind::MissingVariable,
            _,
        ) => problem::sentence(lang, one),
    }
}

impl Verdict {
    /// How it looks.
    pub(super) const fn pill(self, lang: Lang) -> Pill {
        let (tone, icon, label) = match self {
            Self::Rejected => ("dead", "cross", lang.t("Bị loại", "Rejected")),
            Self::Skipped => ("skipped", "slash", lang.t("Bỏ qua", "Skipped")),
            Self::Good => ("sent", "check", lang.t("Sẽ gửi", "To send")),
        };
        Pill { tone, icon, label }
    }
}
