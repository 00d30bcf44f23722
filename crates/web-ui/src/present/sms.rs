//! Texts as they go out: what costs in an SMS, and what dropping the diacritics changes.

use domain::channel::Channel;
use domain::sms::{SmsEncoding, SmsMeter, strip_diacritics};

use crate::lang::Lang;

/// Why a stretch of a text is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is not.
    None,
    /// Its characters make an SMS longer, or it was changed.
    Marked,
    /// It is a variable without a value.
    Hole,
}

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The text.
    pub(crate) text: String,
    mark: Mark,
}

impl Stretch {
    /// Whether it is marked.
    pub(crate) fn is_marked(&self) -> bool {
        self.mark == Mark::Marked
    }

    /// Whether it is a variable without a value.
    pub(crate) fn is_hole(&self) -> bool {
        self.mark == Mark::Hole
    }
}

/// Adds a piece, to the last stretch where it is of the same kind.
fn push(all: &mut Vec<Stretch>, text: &str, mark: Mark) {
    match all.last_mut() {
        Some(last) if last.mark == mark => last.text.push_str(text),
        Some(_) | None => all.push(Stretch { text: text.to_owned(), mark }),
    }
}

/// A template's text whose variables stay on one line each.
pub(crate) fn unbroken(text: &str) -> String {
    text.replace("{{ ", "{{\u{a0}").replace(" }}", "\u{a0}}}")
}

/// The text with what costs in an SMS marked.
pub(crate) fn costly(text: &str, channel: Channel) -> Vec<Stretch> {
    with_holes(text, channel, &[])
}

/// As [`costly`], with the variables marked that have no value.
pub(crate) fn with_holes(text: &str, channel: Channel, missing: &[String]) -> Vec<Stretch> {
    let causes = if channel == Channel::Sms { SmsMeter::measure(text).unicode_causes } else { Vec::new() };
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let holes = missing.iter().map(|name| format!("{{{{ {name} }}}}"));
        let next = holes.filter_map(|hole| Some((rest.find(&hole)?, hole))).min_by_key(|(at, _)| *at);
        let end = next.as_ref().map_or(rest.len(), |(at, _)| *at);
        let (plain, after) = rest.split_at(end);
        for c in plain.chars() {
            let mark = if causes.contains(&c) { Mark::Marked } else { Mark::None };
            push(&mut all, c.encode_utf8(&mut [0; 4]), mark);
        }
        rest = after;
        if let Some((_, hole)) = next {
            push(&mut all, &hole, Mark::Hole);
            rest = rest.strip_prefix(hole.as_str()).unwrap_or_default();
        }
    }
    all
}

/// The text without its diacritics, with what that changes marked.
fn difference(text: &str) -> Vec<Stretch> {
    let mut all = Vec::new();
    for c in text.chars() {
        let (before, mut buffer) = (c, [0; 4]);
        let after = strip_diacritics(before.encode_utf8(&mut buffer));
        let mark = if after.chars().eq([before]) { Mark::None } else { Mark::Marked };
        push(&mut all, &after, mark);
    }
    all
}

/// What a text is as SMS.
pub(crate) struct Meter {
    /// In how many it goes out.
    pub(crate) parts: usize,
    /// How long it is.
    pub(crate) units: usize,
    /// How long it could be in so many.
    pub(crate) room: usize,
    /// The alphabet in words.
    pub(crate) alphabet: &'static str,
    /// The characters that make it longer.
    pub(crate) causes: String,
    /// Without diacritics: the number of SMS and the text, where that makes a difference.
    pub(crate) plainer: Option<(usize, Vec<Stretch>)>,
}

impl Meter {
    /// Measures what is shown; `text` is the same with its diacritics.
    pub(crate) fn new(lang: Lang, shown: &str, text: &str) -> Self {
        let size = SmsMeter::measure(shown);
        let alphabet = match size.encoding {
            SmsEncoding::Gsm7 => lang.t("không dấu (GSM-7)", "plain (GSM-7)"),
            SmsEncoding::Ucs2 => lang.t("có dấu (Unicode)", "Unicode"),
        };
        let (whole, part) = size.encoding.capacity();
        let fewer = SmsMeter::measure(text);
        let plainer = (fewer.parts_without_diacritics < fewer.parts)
            .then(|| (fewer.parts_without_diacritics, difference(text)));
        Self {
            parts: size.parts,
            units: size.units,
            room: if size.parts <= 1 { whole } else { part * size.parts },
            alphabet,
            causes: size.unicode_causes.iter().map(char::to_string).collect::<Vec<_>>().join(" "),
            plainer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stretches: &[Stretch]) -> String {
        let one = |stretch: &Stretch| match stretch.mark {
            Mark::None => stretch.text.clone(),
            Mark::Marked => format!("[{}]", stretch.text),
            Mark::Hole => format!("<{}>", stretch.text),
        };
        stretches.iter().map(one).collect()
    }

    #[test]
    fn what_costs_and_what_is_open_is_marked_apart() {
        let missing = ["due".to_owned(), "amount".to_owned()];
        let text = "Bạn đóng {{ amount }} trước {{ due }}{{ due }}";
        let all = with_holes(text, Channel::Sms, &missing);
        assert_eq!(said(&all), "B[ạ]n [đó]ng <{{ amount }}> tr[ướ]c <{{ due }}{{ due }}>");
        assert_eq!(said(&costly("Bạn", Channel::Zalo)), "Bạn");
    }

    #[test]
    fn dropping_diacritics_shows_what_changes() {
        assert_eq!(said(&difference("Đường về… nhà")), "[Duo]ng v[e...] nh[a]");
    }
}
