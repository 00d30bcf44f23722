//! What is noteworthy about messages before they are queued, though nothing is wrong with it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::channel::Channel;
use crate::explain::{Language, Reason};

/// Something noteworthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Why it will be skipped, or not go at once.
    Fate(Reason),
    /// The time that it is scheduled for is over: it goes at once.
    InThePast,
    /// The template is meant for another channel.
    OtherChannel(Channel),
    /// Variables were given that the text does not use.
    UnusedVariables(Vec<String>),
    /// It goes out in more than one SMS.
    SmsParts(usize),
    /// Without diacritics it would go out in fewer SMS.
    SmsUnicode {
        /// In how many it goes out.
        parts: usize,
        /// In how many it would.
        without_diacritics: usize,
    },
}

impl Notice {
    /// The code, for programs; it never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fate(reason) => reason.code(),
            Self::InThePast => "SCHEDULED_IN_THE_PAST",
            Self::OtherChannel(_) => "TEMPLATE_FOR_OTHER_CHANNEL",
            Self::UnusedVariables(_) => "UNUSED_VARIABLES",
            Self::SmsParts(_) => "SMS_PARTS",
            Self::SmsUnicode { .. } => "SMS_UNICODE",
        }
    }

    /// Until when it holds, where that is known.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Fate(reason) => reason.until(),
            Self::InThePast
            | Self::OtherChannel(_)
            | Self::UnusedVariables(_)
            | Self::SmsParts(_)
            | Self::SmsUnicode { .. } => None,
        }
    }

    /// The notice as a sentence, with times of day in `zone`.
    pub fn sentence(&self, language: Language, zone: Tz) -> String {
        match (self, language) {
            (Self::Fate(reason), language) => reason.sentence(language, zone),
            (Self::InThePast, Language::English) => {
                "The time that it is scheduled for is over: it goes at once.".to_owned()
            }
            (Self::InThePast, Language::Vietnamese) => {
                "Thời điểm hẹn gửi đã qua: tin sẽ được gửi ngay.".to_owned()
            }
            (Self::OtherChannel(channel), Language::English) => {
                format!("The template is meant for {channel}.")
            }
            (Self::OtherChannel(channel), Language::Vietnamese) => {
                format!("Mẫu tin này dành cho kênh {channel}.")
            }
            (Self::UnusedVariables(names), Language::English) => {
                format!("The text does not use these variables: {}.", names.join(", "))
            }
            (Self::UnusedVariables(names), Language::Vietnamese) => {
                format!("Nội dung không dùng các biến: {}.", names.join(", "))
            }
            (Self::SmsParts(parts), Language::English) => format!("It goes out in {parts} SMS."),
            (Self::SmsParts(parts), Language::Vietnamese) => format!("Tin được gửi thành {parts} SMS."),
            (Self::SmsUnicode { parts, without_diacritics }, Language::English) => {
                format!("It takes {parts} SMS; without diacritics {without_diacritics}.")
            }
            (Self::SmsUnicode { parts, without_diacritics }, Language::Vietnamese) => {
                format!("Tin cần {parts} SMS; nếu bỏ dấu chỉ cần {without_diacritics}.")
            }
        }
    }
}
