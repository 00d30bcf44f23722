//! Files that are given back: the rejected rows with their reasons, and an empty list to fill in.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use domain::template::TemplateBody;

use super::report::{Report, Verdict};
use super::sheet::{Sheet, Table, guarded};
use crate::lang::Lang;
use crate::present::problem;

/// The rejected rows as they came, with where they stood and why they were left out in front.
pub(super) fn rejected(lang: Lang, sheet: &Sheet, report: &Report) -> HttpResponse {
    let mut table = Table::with(sheet.separator);
    let heads = [lang.t("Dòng", "Line"), lang.t("Lý do", "Reason")];
    table.push(heads.into_iter().chain(sheet.names.iter().map(String::as_str)));
    let lines = report.lines.iter().filter(|line| line.verdict == Verdict::Rejected);
    for (line, row) in lines.filter_map(|line| Some((line, sheet.rows.get(line.place)?))) {
        let number = line.line.to_string();
        let cells: Vec<String> = row.cells.iter().map(|cell| guarded(cell)).collect();
        let head = [number.as_str(), line.reason.as_str()];
        table.push(head.into_iter().chain(cells.iter().map(String::as_str)));
    }
    file(lang.t("dong-bi-loai.csv", "rejected-rows.csv"), table)
}

/// An empty list with a column for each thing that the text needs.
pub(super) fn sample(lang: Lang, body: Option<&TemplateBody>) -> HttpResponse {
    let mut table = Table::with(',');
    let variables = body.map_or(&[][..], TemplateBody::variables).iter();
    let names: Vec<String> = variables
        .filter(|name| *name != "phone" && *name != "ownerName")
        .map(|name| if name == "name" { problem::variable(lang, name) } else { name.clone() })
        .collect();
    table.push(std::iter::once(lang.t("Số điện thoại", "Phone")).chain(names.iter().map(String::as_str)));
    file(lang.t("danh-sach-mau.csv", "sample-list.csv"), table)
}

/// With a byte order mark: without it, spreadsheets take the accents for something else.
fn file(name: &str, table: Table) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(format!("\u{feff}{}", table.text()))
}
