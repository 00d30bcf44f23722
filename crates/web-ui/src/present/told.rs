//! What this system wrote into errors and timelines, in the page's language; what others wrote stays as it came.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::explain::Language;
use domain::message::SkipReason;
use domain::message::timeline::{PERMANENT, PULLED, QUIET_HOURS_IGNORED, SCHEDULED_FOR};
use domain::message::transition::{HOLDER_DIED, LEASE_LOST, NO_ANSWER, NO_CALLBACK};
use domain::usecase::jobs::RUN;
use domain::usecase::run_worker::Release;

use super::time::moment;
use crate::lang::Lang;

/// How errors of a hand-off begin; N8N's own words, or the cause, follow.
const BEGINNINGS: [(&str, &str); 4] = [
    ("N8N answered ", "N8N trả lời "),
    ("could not connect to N8N", "không kết nối được với N8N"),
    ("can't be sent to N8N", "không gửi được tới N8N"),
    ("simulated: ", "mô phỏng: "),
];
/// What such an error says in between.
const REDIRECT: (&str, &str) = (" (a redirect, which is not followed)", " (chuyển hướng, không đi theo)");

/// An error, a reason or a detail in words.
pub(crate) fn told(lang: Lang, text: &str) -> String {
    if let Some(rest) = text.strip_suffix(PERMANENT) {
        return told(lang, rest) + lang.t(" (không thử lại)", PERMANENT);
    }
    if let Ok(reason) = text.parse() {
        return skipped(lang, reason).to_owned();
    }
    if lang.0 == Language::English {
        return text.to_owned();
    }
    if let Ok(release) = text.parse() {
        return released(release).to_owned();
    }
    if let Some(run) = text.strip_prefix(RUN) {
        return format!("lượt chạy {run}");
    }
    match text {
        NO_ANSWER => "N8N không trả lời".to_owned(),
        NO_CALLBACK => "không có phản hồi, chưa rõ kết quả".to_owned(),
        LEASE_LOST => "lượt gửi bị ngắt ba lần, chưa rõ kết quả".to_owned(),
        HOLDER_DIED => "tiến trình đang gửi bị ngắt".to_owned(),
        QUIET_HOURS_IGNORED => "bỏ qua giờ yên lặng".to_owned(),
        PULLED => "N8N tự lấy".to_owned(),
        other => hand_off(other),
    }
}

/// A detail of a timeline: as [`told`], and with its time where it is to go later.
pub(crate) fn detail(lang: Lang, text: &str, now: DateTime<Utc>, zone: Tz) -> String {
    match text.strip_prefix(SCHEDULED_FOR).and_then(|at| at.parse::<DateTime<Utc>>().ok()) {
        Some(at) => format!("{} {}", lang.t("hẹn gửi lúc", "to go at"), moment(at, now, zone).short),
        None => told(lang, text),
    }
}

fn hand_off(text: &str) -> String {
    let known = BEGINNINGS.iter().find_map(|(english, said)| Some((said, text.strip_prefix(english)?)));
    match known {
        Some((said, rest)) => format!("{said}{}", hand_off(&rest.replacen(REDIRECT.0, REDIRECT.1, 1))),
        None => text.to_owned(),
    }
}

/// Why a message was stored without being sent.
const fn skipped(lang: Lang, reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::DuplicateToday => lang.t("trùng trong ngày", "duplicate today"),
        SkipReason::OptedOut => lang.t("đã từ chối nhận tin", "opted out"),
    }
}

/// Why a message was given back.
const fn released(release: Release) -> &'static str {
    match release {
        Release::Stopping => "máy chủ đang dừng",
        Release::NoDatabase => "cơ sở dữ liệu không ghi được kết quả",
        Release::TimeIsOver => "lượt gửi đã hết thời gian",
        Release::LeaseTooShort => "sắp hết thời gian giữ tin",
        Release::QuietHours => "giờ yên lặng bắt đầu",
        Release::Circuit => "N8N đang tạm ngắt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIETNAMESE: Lang = Lang(Language::Vietnamese);

    #[test]
    fn nothing_that_this_system_writes_stays_english_on_a_vietnamese_page() {
        let fixed =
            [NO_ANSWER, NO_CALLBACK, LEASE_LOST, HOLDER_DIED, QUIET_HOURS_IGNORED, PULLED, "run run-77"];
        let releases = Release::ALL.iter().map(|one| one.as_str());
        let skips = SkipReason::ALL.iter().map(|one| one.as_str());
        for text in fixed.into_iter().chain(releases).chain(skips) {
            let said = told(VIETNAMESE, text);
            assert!(said != text && !said.is_ascii() || text == PULLED, "{text}: {said}");
        }
    }

    #[test]
    fn an_error_of_a_hand_off_keeps_the_words_of_others() {
        for (text, said) in [
            ("N8N answered 503: no workers", "N8N trả lời 503: no workers"),
            (
                "N8N answered 302 (a redirect, which is not followed)",
                "N8N trả lời 302 (chuyển hướng, không đi theo)",
            ),
            ("simulated: N8N answered 503", "mô phỏng: N8N trả lời 503"),
            ("could not connect to N8N: refused", "không kết nối được với N8N: refused"),
            ("OA locked (permanent)", "OA locked (không thử lại)"),
            ("nhà mạng bận", "nhà mạng bận"),
        ] {
            assert_eq!(told(VIETNAMESE, text), said);
        }
        assert_eq!(told(Lang(Language::English), "pulled"), "pulled");
    }
}
