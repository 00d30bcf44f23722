//! The ways a message can go out.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The way a message goes to its recipient (contract §1).
    pub enum Channel {
        /// Zalo, addressed by phone number or Zalo user id.
        Zalo = "ZALO",
        /// Facebook Messenger, addressed by page-scoped id.
        Facebook = "FB",
        /// SMS, addressed by phone number.
        Sms = "SMS",
        /// A note for a person to call.
        CallNote = "CALL_NOTE",
    }
}
