//! A list as people bring it: a file or a pasted text, with whatever separator, with a header or without one.
//!
//! Once read it is written anew in one form, [`Sheet::canonical`]: commas, a header, one line for each row, and in
//! front the line that the row had in the file. Pages carry that form from step to step.

use std::fmt::Write as _;

use domain::phone::PhoneNumber;
use domain::usecase::create::MAX_RECIPIENTS;

use super::columns;
use crate::lang::Lang;

/// The most columns that are read.
const MAX_COLUMNS: usize = 40;
/// A cell that runs over more lines than this was opened by a quotation mark that nobody closed.
const MAX_CELL_LINES: u64 = 20;
/// The name of the column that holds the line in the file.
const LINE: &str = "#";

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    /// Its cells, as many as there are columns; more where the row has too many.
    pub(super) cells: Vec<String>,
}

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// Whether the names stand in the list's first line.
    pub(super) has_header: bool,
    /// What separates the cells of what is given back: `;` where the list came so, else a comma.
    pub(super) separator: char,
    /// The rows without the header.
    pub(super) rows: Vec<Row>,
}

/// Why a list can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SheetError {
    /// There is nothing in it, or nothing but a header.
    Empty,
    /// A workbook of Excel or another program, and no text.
    Workbook,
    /// A text in an old encoding; the line where that shows.
    NotUtf8(usize),
    /// No text at all.
    Binary,
    /// More rows than one request may have; how many.
    TooMany(usize),
    /// More columns than are read; how many.
    TooWide(usize),
    /// A quotation mark on this line is never closed.
    Unclosed(u64),
}

/// How the first line is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// As it looks.
    Guess,
    /// As the names of the columns.
    Yes,
}

impl Sheet {
    /// Reads a file.
    pub(super) fn read(bytes: &[u8], header: Header) -> Result<Self, SheetError> {
        Self::parse(&text(bytes)?, header)
    }

    /// Reads a text, [`Sheet::canonical`] among others.
    pub(super) fn parse(text: &str, header: Header) -> Result<Self, SheetError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // With one kind of line end the lines are counted as people see them.
        let text = &text.replace("\r\n", "\n").replace('\r', "\n");
        let mut rows = records(text)?;
        if rows.is_empty() {
            return Err(SheetError::Empty);
        }
        let first = &rows[0].cells;
        if first.len() > MAX_COLUMNS {
            return Err(SheetError::TooWide(first.len()));
        }
        let has_header = match header {
            Header::Guess => looks_like_header(first),
            Header::Yes => true,
        };
        let width = first.len();
        let mut names = if has_header { rows.remove(0).cells } else { vec![String::new(); width] };
        if names.first().is_some_and(|name| name == LINE) && take_lines(&mut rows) {
            names.remove(0);
        }
        for (place, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
            let _ = write!(name, "{}", place + 1);
        }
        if rows.is_empty() {
            return Err(SheetError::Empty);
        }
        if rows.len() > MAX_RECIPIENTS {
            return Err(SheetError::TooMany(rows.len()));
        }
        let width = names.len();
        for row in &mut rows {
            while row.cells.len() > width && row.cells.last().is_some_and(String::is_empty) {
                row.cells.pop();
            }
            row.cells.resize(row.cells.len().max(width), String::new());
        }
        let separator = if separator(text) == b';' { ';' } else { ',' };
        Ok(Self { names, has_header, separator, rows })
    }

    /// The same list with its first line taken otherwise.
    pub(super) fn retaken(mut self, has_header: bool) -> Self {
        if self.has_header && !has_header {
            let names = std::mem::take(&mut self.names);
            self.names = (1..=names.len()).map(|place| place.to_string()).collect();
            self.rows.insert(0, Row { line: 1, cells: names });
        } else if !self.has_header && has_header && self.rows.len() > 1 {
            let mut names = self.rows.remove(0).cells;
            names.resize(self.names.len(), String::new());
            self.names = names;
        } else {
            return self;
        }
        Self { has_header, ..self }
    }

    /// The list in the one form that pages carry.
    pub(super) fn canonical(&self) -> String {
        let mut table = Table::with(',');
        table.push(std::iter::once(LINE).chain(self.names.iter().map(String::as_str)));
        for row in &self.rows {
            let line = row.line.to_string();
            table.push(std::iter::once(line.as_str()).chain(row.cells.iter().map(String::as_str)));
        }
        table.text()
    }
}

/// A CSV that is being written.
pub(super) struct Table {
    separator: char,
    text: String,
}

impl Table {
    /// An empty one with this between the cells.
    pub(super) const fn with(separator: char) -> Self {
        Self { separator, text: String::new() }
    }

    /// Adds a line.
    pub(super) fn push<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                self.text.push(self.separator);
            }
            // Quoted where a reader could take it otherwise, a guarded or empty cell among them.
            let plain =
                !cell.is_empty() && !cell.contains(['"', ',', ';', '\t', '\n', '\r']) && cell.trim() == cell;
            if plain {
                self.text.push_str(cell);
            } else {
                let _ = write!(self.text, "\"{}\"", cell.replace('"', "\"\""));
            }
        }
        self.text.push_str("\r\n");
    }

    /// What was written.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// The file's text, whatever Unicode encoding spreadsheets chose for it.
fn text(bytes: &[u8]) -> Result<String, SheetError> {
    match bytes {
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(SheetError::Workbook),
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    if bytes.contains(&0) {
        return Err(SheetError::Binary);
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        SheetError::NotUtf8(before.iter().filter(|byte| **byte == b'\n').count() + 1)
    })
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, SheetError> {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit).collect();
    String::from_utf16(&units).map_err(|_| SheetError::Binary)
}

/// Every line that is not blank.
fn records(text: &str) -> Result<Vec<Row>, SheetError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    // A text can't fail to be read: it is flexible, and it is UTF-8.
    while reader.read_record(&mut record).unwrap_or(false) {
        let line = record.position().map_or(0, |at| first_line(text, at));
        if record.iter().any(|cell| cell.matches('\n').count() as u64 > MAX_CELL_LINES) {
            return Err(SheetError::Unclosed(line));
        }
        let cells: Vec<String> = record.iter().map(cleaned).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(Row { line, cells });
        }
    }
    Ok(rows)
}

/// The line on which a record begins: the reader counts blank lines in front of it as its own.
fn first_line(text: &str, at: &csv::Position) -> u64 {
    let rest = usize::try_from(at.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    at.line() + rest.chars().take_while(|c| *c == '\n').count() as u64
}

/// A cell on one line, without what guards it from being taken for a formula.
fn cleaned(cell: &str) -> String {
    let plain: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cell = plain.trim();
    match cell.strip_prefix('\'') {
        Some(guarded) if guarded.starts_with(FORMULA) => guarded.to_owned(),
        Some(_) | None => cell.to_owned(),
    }
}

/// What a cell begins with that spreadsheets take for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The cell so that a spreadsheet shows it and does not run it; [`Sheet::parse`] takes the guard away again.
pub(super) fn guarded(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

/// What separates the cells: what the first line has most of, outside of quotation marks.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut outside = String::new();
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted => outside.push(c),
            _ => {}
        }
    }
    let count = |separator: u8| outside.matches(char::from(separator)).count();
    let found = [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator));
    found.filter(|separator| count(*separator) > 0).unwrap_or(b',')
}

/// A header holds no phone number, and names something that is known or that could be a name.
fn looks_like_header(cells: &[String]) -> bool {
    if cells.iter().any(|cell| cell == LINE || columns::is_known(cell)) {
        return true;
    }
    let is_value =
        |cell: &String| PhoneNumber::parse(cell).is_ok() || cell.chars().any(|c| c.is_ascii_digit());
    !cells.iter().any(is_value)
}

/// Takes the rows' lines from their first cells, where all of them are numbers.
fn take_lines(rows: &mut [Row]) -> bool {
    let lines: Option<Vec<u64>> =
        rows.iter().map(|row| row.cells.first().and_then(|cell| cell.parse().ok())).collect();
    let Some(lines) = lines else { return false };
    for (row, line) in rows.iter_mut().zip(lines) {
        row.cells.remove(0);
        row.line = line;
    }
    true
}

impl SheetError {
    /// What is wrong and what to do.
    pub(super) fn sentence(&self, lang: Lang) -> String {
        let n = |count: usize| lang.number(count as u64);
        match self {
            Self::Empty => lang
                .t(
                    "Danh sách trống. Hãy dán hoặc chọn tệp có ít nhất một người nhận.",
                    "The list is empty. Paste or choose one with at least one recipient.",
                )
                .to_owned(),
            Self::Workbook => lang
                .t(
                    "Đây là tệp Excel. Trong Excel hãy chọn Lưu thành → “CSV UTF-8 (phân tách bằng dấu phẩy)”, rồi chọn tệp .csv đó.",
                    "This is an Excel workbook. In Excel, save it as “CSV UTF-8 (Comma delimited)”, then choose that .csv file.",
                )
                .to_owned(),
            Self::NotUtf8(line) => lang
                .t(
                    "Tệp không phải UTF-8 (thấy ở dòng {n}), nên chữ có dấu sẽ bị sai. Hãy lưu lại dưới dạng “CSV UTF-8”.",
                    "The file is not UTF-8 (seen on line {n}), so its accents would be wrong. Save it as “CSV UTF-8”.",
                )
                .replace("{n}", &n(*line)),
            Self::Binary => lang
                .t(
                    "Tệp này không phải văn bản. Hãy chọn một tệp .csv.",
                    "The file is no text. Choose a .csv file.",
                )
                .to_owned(),
            Self::TooMany(rows) => lang
                .t(
                    "Danh sách có {n} dòng; mỗi lần gửi tối đa {m}. Hãy chia thành nhiều tệp.",
                    "The list has {n} rows; at most {m} go at once. Split it into several files.",
                )
                .replace("{n}", &n(*rows))
                .replace("{m}", &n(MAX_RECIPIENTS)),
            Self::TooWide(columns) => lang
                .t(
                    "Danh sách có {n} cột; tối đa {m}. Hãy bỏ các cột không dùng.",
                    "The list has {n} columns; at most {m} are read. Take away those that are not needed.",
                )
                .replace("{n}", &n(*columns))
                .replace("{m}", &n(MAX_COLUMNS)),
            Self::Unclosed(line) => lang
                .t(
                    "Dấu ngoặc kép mở ở dòng {n} không được đóng, nên các dòng sau bị dính vào nhau. Hãy sửa dòng đó.",
                    "A quotation mark on line {n} is never closed, so that the rows after it run together. Mend that line.",
                )
                .replace("{n}", &line.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
