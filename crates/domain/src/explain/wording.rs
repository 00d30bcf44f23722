//! The reasons in people's words: the one home of these sentences, for the API and the page.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Reason;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// A language that people read.
    pub enum Language {
        /// English.
        English = "en",
        /// Vietnamese.
        Vietnamese = "vi",
    }
}

impl Language {
    /// Of the languages that `Accept-Language` names and we speak the one with the greatest weight, among equals the
    /// first; English where there is none.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::English, 0.0);
        for (language, weight) in header.split(',').filter_map(weighted) {
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// One part of `Accept-Language`, such as `vi-VN;q=0.9`, where it is a language that we speak.
fn weighted(part: &str) -> Option<(Language, f32)> {
    let mut parts = part.split(';').map(str::trim);
    let primary = parts.next()?.split('-').next()?.to_ascii_lowercase();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=")).and_then(|q| q.parse().ok());
    Some((primary.parse().ok()?, weight.unwrap_or(1.0)))
}

impl Reason {
    /// The reason as a sentence, with times of day in `zone`.
    pub fn sentence(&self, language: Language, zone: Tz) -> String {
        match language {
            Language::English => self.english(zone),
            Language::Vietnamese => self.vietnamese(zone),
        }
    }

    fn english(&self, zone: Tz) -> String {
        match self {
            Self::Scheduled(at) => format!("It is scheduled for {}.", time(*at, zone)),
            Self::HandOffRetry(at) => format!("N8N did not accept it; the next try is at {}.", time(*at, zone)),
            Self::RetryDue { until, failures } => {
                format!("{failures} failed attempt(s); the next one is at {}.", time(*until, zone))
            }
            Self::QuietHours(until) => format!("Quiet hours until {}.", time(*until, zone)),
            Self::GlobalLimit(until) => format!("The limit over all messages is reached until {}.", time(*until, zone)),
            Self::OwnerLimit(until) => format!("The owner's limit is reached until {}.", time(*until, zone)),
            Self::CircuitOpen(until) => format!("N8N does not answer; the next try is at {}.", time(*until, zone)),
            Self::NoWebhook => "There is no N8N to hand it to (N8N_WEBHOOK_URL is not set).".to_owned(),
            Self::WillBeSuppressed => "The recipient has opted out; it will not be sent.".to_owned(),
            Self::WaitingForWorker => "Nothing holds it back; the next worker run takes it.".to_owned(),
            Self::BeingHandedOff(_) => "It is being handed to N8N.".to_owned(),
            Self::WaitingForCallback(until) => {
                format!("N8N has it; its callback is awaited until {}.", time(*until, zone))
            }
            Self::Sent => "It was sent.".to_owned(),
            Self::Dead { failures } => format!("Given up after {failures} failed attempt(s); requeue it to try again."),
            Self::Held => "Its outcome is unknown: it may have been sent. It is held until a callback or a person decides.".to_owned(),
            Self::Duplicate => "The same message was queued for this recipient already.".to_owned(),
            Self::Suppressed => "The recipient has opted out of this channel.".to_owned(),
            Self::SkippedByN8n(reason) => format!("N8N did not send it: {reason}"),
            Self::Cancelled => "It was cancelled.".to_owned(),
        }
    }

    fn vietnamese(&self, zone: Tz) -> String {
        match self {
            Self::Scheduled(at) => format!("Đã hẹn gửi lúc {}.", time(*at, zone)),
            Self::HandOffRetry(at) => format!("N8N chưa nhận; thử lại lúc {}.", time(*at, zone)),
            Self::RetryDue { until, failures } => format!("Đã lỗi {failures} lần; thử lại lúc {}.", time(*until, zone)),
            Self::QuietHours(until) => format!("Đang trong giờ yên lặng đến {}.", time(*until, zone)),
            Self::GlobalLimit(until) => format!("Đã đạt giới hạn chung đến {}.", time(*until, zone)),
            Self::OwnerLimit(until) => format!("Người phụ trách đã đạt giới hạn đến {}.", time(*until, zone)),
            Self::CircuitOpen(until) => format!("N8N không phản hồi; thử lại lúc {}.", time(*until, zone)),
            Self::NoWebhook => "Chưa cấu hình N8N (thiếu N8N_WEBHOOK_URL).".to_owned(),
            Self::WillBeSuppressed => "Người nhận đã từ chối nhận tin; tin sẽ không được gửi.".to_owned(),
            Self::WaitingForWorker => "Không có gì cản trở; lượt gửi tiếp theo sẽ gửi tin này.".to_owned(),
            Self::BeingHandedOff(_) => "Đang chuyển cho N8N.".to_owned(),
            Self::WaitingForCallback(until) => format!("N8N đã nhận; chờ phản hồi đến {}.", time(*until, zone)),
            Self::Sent => "Đã gửi.".to_owned(),
            Self::Dead { failures } => format!("Đã dừng sau {failures} lần lỗi; xếp lại hàng đợi để thử lại."),
            Self::Held => "Chưa rõ kết quả: có thể đã gửi. Tin được giữ lại cho đến khi có phản hồi hoặc có người quyết định.".to_owned(),
            Self::Duplicate => "Tin giống hệt đã được xếp cho người nhận này.".to_owned(),
            Self::Suppressed => "Người nhận đã từ chối nhận tin qua kênh này.".to_owned(),
            Self::SkippedByN8n(reason) => format!("N8N không gửi: {reason}"),
            Self::Cancelled => "Đã hủy.".to_owned(),
        }
    }
}

fn time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M:%S %d/%m/%Y").to_string()
}
