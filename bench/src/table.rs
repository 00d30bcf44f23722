//! The table for people, the file for programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::figures::{Bar, Row, median};

/// All that a run found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Results<'a> {
    /// Which kind of run it was.
    pub quick: bool,
    /// Rounds of each case.
    pub rounds: usize,
    /// Seconds of each round.
    pub seconds: u64,
    /// The cores that all parts shared.
    pub cores: usize,
    /// What PostgreSQL says of its version.
    pub postgres: String,
    /// The figures.
    pub rows: &'a [Row],
}

impl Results<'_> {
    /// Writes the file.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The table, as Markdown that can be read as it is.
pub fn render(rows: &[Row]) -> String {
    let head = ["case", "ours", "against", "ratio", "must", "aim", "verdict"].map(str::to_owned);
    let cells: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(line)).collect();
    let widths: Vec<usize> = (0..7)
        .map(|column| cells.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for (index, row) in cells.iter().enumerate() {
        write_line(&mut text, row, &widths);
        if index == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            write_line(&mut text, &rule, &widths);
        }
    }
    text
}

/// Where a document has its table.
const MARKS: (&str, &str) = ("<!-- bench: begin -->\n", "<!-- bench: end -->");

/// The document with this table in the place of its own; `None` where it has no place for one.
pub fn replace(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(MARKS.0)?;
    let (_, after) = rest.split_once(MARKS.1)?;
    Some(format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1))
}

fn write_line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "| {cell:<width$} ");
    }
    text.push_str("|\n");
}

fn line(row: &Row) -> [String; 7] {
    let (must, aim) = match row.bar {
        Bar::AtLeast { must, aim } => (format!(">= {}", short(must)), format!(">= {}", short(aim))),
        Bar::AtMost { must, aim } => (format!("<= {}", short(must)), format!("<= {}", short(aim))),
        Bar::Open => Default::default(),
    };
    let alone = row.raw.is_empty();
    let raw = if alone { String::new() } else { format!("{} {}", short(median(&row.raw)), row.unit) };
    let ours = format!("{} {}", short(median(&row.ours)), row.unit);
    let ratio = if alone { String::new() } else { format!("{:.2}", row.figure) };
    [row.case.clone(), ours, raw, ratio, must, aim, row.verdict.as_str().to_owned()]
}

/// Three digits that count, thousands apart.
fn short(figure: f64) -> String {
    if figure.abs() >= 100.0 {
        let digits = format!("{figure:.0}");
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        return text;
    }
    let text = if figure.abs() >= 10.0 { format!("{figure:.1}") } else { format!("{figure:.2}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let cases = [(12_345.6, "12,346"), (0.5, "0.5"), (12.34, "12.3"), (0.0, "0"), (100.0, "100")];
        for (figure, text) in cases {
            assert_eq!(short(figure), text);
        }
    }

    #[test]
    fn a_document_gets_the_table_between_its_marks() {
        let document = "a\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nb\n";
        let wanted = "a\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nb\n";
        assert_eq!(replace(document, "new\n").as_deref(), Some(wanted));
        assert_eq!(replace("no place", "new\n"), None);
    }

    #[test]
    fn every_line_is_as_wide_as_the_widest_cell() {
        let bar = Bar::AtLeast { must: 0.5, aim: 1.0 };
        let rows = [
            Row::ratio("a case with a long name", "/s", vec![50.0], vec![100.0], bar),
            Row::alone("b", "MB", vec![1.0], Bar::Open),
        ];
        let text = render(&rows);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        assert!(text.contains("| 0.50 ") && text.contains("holds"), "{text}");
    }
}
