//! A text as an SMS, as clients see it.

use domain::sms::{SmsMeter, SmsSize};
use serde::Serialize;
use utoipa::ToSchema;

/// What a text amounts to as an SMS.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SmsView {
    /// GSM7 (160 units in one SMS, 153 in each of several) or UCS2 (70 and 67).
    #[schema(value_type = SmsEncodingWord)]
    encoding: &'static str,
    /// Its length in characters.
    characters: usize,
    /// Its length in the encoding's units.
    units: usize,
    /// In how many SMS it goes out.
    segments: usize,
    /// The characters that force UCS2, in order of first use.
    unicode_characters: Vec<String>,
    /// In how many SMS it would go out without diacritics.
    segments_without_diacritics: usize,
}

/// The alphabet of an SMS.
#[derive(ToSchema)]
#[expect(dead_code, reason = "names the words for the schema")]
enum SmsEncodingWord {
    #[schema(rename = "GSM7")]
    Gsm7,
    #[schema(rename = "UCS2")]
    Ucs2,
}

impl SmsView {
    /// What this text amounts to.
    pub(crate) fn of(text: &str) -> Self {
        Self::from(SmsMeter::measure(text))
    }
}

impl From<SmsSize> for SmsView {
    fn from(size: SmsSize) -> Self {
        let SmsSize { encoding, characters, units, parts, unicode_causes, parts_without_diacritics } = size;
        Self {
            encoding: encoding.as_str(),
            characters,
            units,
            segments: parts,
            unicode_characters: unicode_causes.into_iter().map(String::from).collect(),
            segments_without_diacritics: parts_without_diacritics,
        }
    }
}
