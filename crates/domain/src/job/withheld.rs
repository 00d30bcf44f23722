//! What of a job is withheld from those who may see jobs, but not read messages (contract §9).

use super::{Job, JobEntry};

/// From so many digits on, a number may be a phone's.
const MIN_DIGITS: usize = 8;
/// What stands in a number's place.
const MASK: &str = "•••";

impl Job {
    /// The job without note and error, which may quote a message; what may be a phone number in its title is hidden.
    pub fn withheld(self) -> Self {
        Self { title: without_phones(&self.title), note: None, last_error: None, ..self }
    }
}

impl JobEntry {
    /// The line without its detail, which may quote a message.
    pub fn withheld(self) -> Self {
        Self { detail: None, ..self }
    }
}

/// The text with all that may be a phone number hidden. Digits count together across what numbers are written with.
fn without_phones(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars() {
        if c.is_numeric() || (!run.is_empty() && is_between(c)) || c == '+' {
            run.push(c);
        } else {
            flush(&mut masked, &mut run);
            masked.push(c);
        }
    }
    flush(&mut masked, &mut run);
    masked
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | '-' | '/' | '(' | ')' | '+' | '_' | '–' | '\u{200b}')
}

fn flush(masked: &mut String, run: &mut String) {
    if run.chars().filter(|c| c.is_numeric()).count() < MIN_DIGITS {
        masked.push_str(run);
    } else {
        let number = run.trim_end_matches(is_between);
        masked.push_str(MASK);
        masked.push_str(run.get(number.len()..).unwrap_or_default());
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hidden_however_they_are_written_and_the_rest_stays() {
        for (text, expected) in [
            ("Gọi chị Lan 0901234567 nhé", "Gọi chị Lan ••• nhé"),
            ("Gọi +84 90 123-45.67.", "Gọi •••."),
            ("(090) 123 4567, 090/765/4321", "(•••, •••"),
            ("Nhắc học phí 50% lớp 12A, 1.500.000 đ", "Nhắc học phí 50% lớp 12A, 1.500.000 đ"),
            ("", ""),
            ("1 + 2", "1 + 2"),
        ] {
            assert_eq!(without_phones(text), expected);
        }
    }
}
