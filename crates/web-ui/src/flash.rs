//! What a page says about what was just done: kept in a cookie for the one page after a form.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::lang::Lang;
use crate::pages::Pages;

/// The cookie.
pub(crate) const COOKIE: &str = "outbound_said";
/// How long it waits for its page, in seconds.
const KEPT_SECONDS: i64 = 60;

macro_rules! said {
    ($($(#[$meta:meta])* $name:ident = $word:literal,)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Said { $($(#[$meta])* $name,)+ }

        impl Said {
            const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            fn read(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

said! {
    /// One or several messages were cancelled; some may have refused.
    Cancelled = "cancelled",
    /// One or several messages were queued anew; some may have refused.
    Requeued = "requeued",
    /// A run handed off so many, of which so many failed.
    Ran = "ran",
    /// A run handed off nothing, as the limits held back so many.
    Limited = "limited",
    /// A run handed off nothing, as nothing was due.
    NothingDue = "nothing",
    /// The one message that was asked for was handed to N8N.
    OneSent = "one-sent",
    /// N8N did not take it.
    OneFailed = "one-failed",
    /// The limits hold it back.
    OneLimited = "one-limited",
    /// Its channel has quiet hours.
    OneQuiet = "one-quiet",
    /// Its recipient has opted out.
    OneOptedOut = "one-opted-out",
    /// The run had to give it back.
    OneReleased = "one-released",
    /// It was not waiting any more.
    OneGone = "one-gone",
    /// Quiet hours.
    Quiet = "quiet",
    /// No webhook.
    NoWebhook = "webhook",
    /// The circuit is open, or probing.
    Circuit = "circuit",
    /// A message was queued.
    Queued = "queued",
    /// A message was stored, but skipped.
    Skipped = "skipped",
    /// So many of a list were queued, and so many were not.
    Listed = "listed",
    /// A template was stored.
    TemplateSaved = "template",
    /// A template was removed.
    TemplateDeleted = "no-template",
    /// Signed out.
    SignedOut = "out",
}

/// What was done, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flash {
    said: Said,
    done: u64,
    not_done: u64,
}

impl Flash {
    /// Something without numbers.
    pub(crate) const fn said(said: Said) -> Self {
        Self::counted(said, 0, 0)
    }

    /// Something done to so many, and not to so many others.
    pub(crate) const fn counted(said: Said, done: u64, not_done: u64) -> Self {
        Self { said, done, not_done }
    }

    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        let cookie = request.cookie(COOKIE)?;
        let mut parts = cookie.value().split('.');
        let said = Said::read(parts.next()?)?;
        let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        Some(Self { said, done: number(), not_done: number() })
    }

    /// The cookie that keeps it for the next page.
    pub(crate) fn cookie(self, pages: &Pages) -> Cookie<'static> {
        let value = format!("{}.{}.{}", self.said.word(), self.done, self.not_done);
        Cookie::build(COOKIE, value)
            .path("/outbound")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(pages.secure_cookies)
            .max_age(Duration::seconds(KEPT_SECONDS))
            .finish()
    }

    /// Whether it is good news.
    pub(crate) const fn is_good(self) -> bool {
        match self.said {
            Said::Cancelled | Said::Requeued => self.done > 0 && self.not_done == 0,
            Said::Ran => self.not_done == 0,
            Said::Listed => self.done > 0,
            Said::NothingDue
            | Said::OneSent
            | Said::SignedOut
            | Said::Queued
            | Said::TemplateSaved
            | Said::TemplateDeleted => true,
            Said::Limited
            | Said::OneFailed
            | Said::OneLimited
            | Said::OneQuiet
            | Said::OneOptedOut
            | Said::OneReleased
            | Said::OneGone
            | Said::Quiet
            | Said::NoWebhook
            | Said::Circuit
            | Said::Skipped => false,
        }
    }

    /// In words.
    pub(crate) fn text(self, lang: Lang) -> String {
        let Self { said, done, not_done } = self;
        let (n, m) = (lang.number(done), lang.number(not_done));
        let refused = if not_done == 0 {
            String::new()
        } else {
            format!(" {m} {}", lang.t("tin không thực hiện được.", "did not allow it."))
        };
        match said {
            Said::Cancelled => {
                format!("{} {n} {}{refused}", lang.t("Đã hủy", "Cancelled"), lang.t("tin.", "message(s)."))
            }
            Said::Requeued => {
                format!("{} {n} {}{refused}", lang.t("Đã xếp lại", "Requeued"), lang.t("tin.", "message(s)."))
            }
            Said::Ran => lang
                .t("Đã chuyển {n} tin cho N8N, {m} lỗi.", "Handed {n} message(s) to N8N; {m} failed.")
                .replace("{n}", &n)
                .replace("{m}", &m),
            Said::Limited => lang
                .t(
                    "Giới hạn mỗi phút đã hết: {n} tin đến hạn chờ sang phút sau.",
                    "The limits of this minute are used up: {n} due message(s) wait for the next one.",
                )
                .replace("{n}", &n),
            Said::NothingDue => lang
                .t("Không có tin nào đến hạn trong phạm vi của bạn.", "Nothing is due within your scope.")
                .to_owned(),
            Said::OneSent => lang.t("Đã giao tin này cho N8N.", "This message was handed to N8N.").to_owned(),
            Said::OneFailed => lang
                .t(
                    "N8N chưa nhận tin này; lý do ở bên dưới.",
                    "N8N did not take this message; see why below.",
                )
                .to_owned(),
            Said::OneLimited => lang
                .t(
                    "Chưa gửi: giới hạn của phút này đã hết. Tin sẽ tự đi khi có chỗ.",
                    "Not sent: this minute's limit is used up. It goes by itself when there is room.",
                )
                .to_owned(),
            Said::OneQuiet => lang
                .t(
                    "Chưa gửi: đang trong giờ yên lặng. Tin sẽ tự đi khi hết giờ yên lặng.",
                    "Not sent: it is quiet hours. It goes by itself when they end.",
                )
                .to_owned(),
            Said::OneOptedOut => lang
                .t("Không gửi: người nhận đã từ chối nhận tin.", "Not sent: the recipient has opted out.")
                .to_owned(),
            Said::OneReleased => lang
                .t(
                    "Chưa gửi: lượt gửi phải trả tin lại hàng đợi; lý do ở bên dưới.",
                    "Not sent: the run had to give it back; see why below.",
                )
                .to_owned(),
            Said::OneGone => lang
                .t(
                    "Tin này không còn chờ gửi: một lượt khác vừa lấy, hoặc trạng thái đã đổi.",
                    "It was not waiting any more: another run took it, or it has changed meanwhile.",
                )
                .to_owned(),
            Said::Quiet => {
                lang.t("Đang trong giờ yên lặng: chưa gửi gì.", "Quiet hours: nothing was sent.").to_owned()
            }
            Said::NoWebhook => lang
                .t("Chưa cấu hình N8N: chưa gửi gì.", "N8N is not configured: nothing was sent.")
                .to_owned(),
            Said::Circuit => lang
                .t(
                    "N8N đang không phản hồi: hệ thống tự thử lại sau.",
                    "N8N does not answer: it is tried again later.",
                )
                .to_owned(),
            Said::Queued => lang.t("Tin đã vào hàng đợi.", "The message is queued.").to_owned(),
            Said::Skipped => lang
                .t(
                    "Tin được lưu nhưng không gửi; lý do ở bên dưới.",
                    "Stored, but not to be sent; see why below.",
                )
                .to_owned(),
            Said::Listed if not_done == 0 => {
                lang.t("Đã xếp hàng {n} tin.", "{n} message(s) are queued.").replace("{n}", &n)
            }
            Said::Listed => lang
                .t(
                    "Đã xếp hàng {n} tin; {m} dòng bị loại hoặc bỏ qua.",
                    "{n} message(s) are queued; {m} row(s) were rejected or skipped.",
                )
                .replace("{n}", &n)
                .replace("{m}", &m),
            Said::TemplateSaved => lang.t("Đã lưu mẫu tin.", "The template is saved.").to_owned(),
            Said::TemplateDeleted => lang.t("Đã xóa mẫu tin.", "The template is deleted.").to_owned(),
            Said::SignedOut => lang.t("Bạn đã đăng xuất.", "You are signed out.").to_owned(),
        }
    }
}
