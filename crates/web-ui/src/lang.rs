//! The language of a page: Vietnamese, or English by one click.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::Method;
use domain::explain::Language;

use crate::form::Form;
use crate::pages::Pages;

/// The cookie that keeps the choice.
pub(crate) const COOKIE: &str = "outbound_language";

/// The language that the visitor has chosen; Vietnamese without a choice.
pub(crate) fn of(request: &HttpRequest) -> Lang {
    let kept = || request.cookie(COOKIE).and_then(|cookie| cookie.value().parse().ok()).map(Lang);
    asked(request).or_else(kept).unwrap_or(Lang(Language::Vietnamese))
}

/// The language that a form's button asks for beside all that is written in the form.
pub(crate) fn asked(request: &HttpRequest) -> Option<Lang> {
    let posted = *request.method() == Method::POST;
    posted.then(|| Form::parse(request.query_string().as_bytes()).read("language").map(Lang)).flatten()
}

/// The cookie that keeps a language.
pub(crate) fn cookie(lang: Lang, pages: &Pages) -> Cookie<'static> {
    Cookie::build(COOKIE, lang.code())
        .path("/outbound")
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(pages.secure_cookies)
        .max_age(Duration::days(365))
        .finish()
}

/// A language that a page is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lang(pub(crate) Language);

impl Lang {
    /// The wording in this language.
    pub(crate) const fn t<'a>(self, vietnamese: &'a str, english: &'a str) -> &'a str {
        match self.0 {
            Language::Vietnamese => vietnamese,
            Language::English => english,
        }
    }

    /// The word for HTML's `lang`.
    pub(crate) const fn code(self) -> &'static str {
        self.0.as_str()
    }

    /// A whole number with its thousands apart.
    pub(crate) fn number(self, number: impl TryInto<u64>) -> String {
        let digits = number.try_into().unwrap_or(u64::MAX).to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                text.push_str(self.t(".", ","));
            }
            text.push(digit);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let (vi, en) = (Lang(Language::Vietnamese), Lang(Language::English));
        assert_eq!(
            [vi.number(7_u64), vi.number(1_234_567_u64), en.number(12_000_u64)],
            ["7", "1.234.567", "12,000"]
        );
    }
}
