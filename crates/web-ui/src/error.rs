//! What goes wrong on a page, and what is shown then.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use domain::ports::StoreError;

use crate::lang::Lang;

/// Everything that a page can fail with. `around` turns it into a page of its own.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is signed in, or the session is over.
    SignIn,
    /// The visitor's role may not do this.
    Forbidden,
    /// There is nothing here, or it lies outside the visitor's scope.
    NotFound,
    /// The form did not come from a page of the same session.
    Stale,
    /// More was sent than is taken.
    TooLarge,
    /// The visitor asks too often; in so many seconds they may again.
    TooFast(u64),
    /// What was sent can't be read.
    Unreadable,
    /// A bug; what it was is for the log.
    Internal(String),
    /// Not now; what failed is for the log.
    Unavailable(String),
}

/// The words of an error page.
pub(crate) struct Words {
    /// What happened.
    pub(crate) title: &'static str,
    /// What to do next.
    pub(crate) advice: &'static str,
}

impl PageError {
    /// What happened and what to do next.
    pub(crate) const fn words(&self, lang: Lang) -> Words {
        let (vietnamese, english) = match self {
            Self::SignIn => (
                ["Cần đăng nhập", "Phiên làm việc chưa bắt đầu hoặc đã hết hạn. Hãy đăng nhập để tiếp tục."],
                ["Sign in to go on", "There is no session, or it has expired. Sign in to go on."],
            ),
            Self::Forbidden => (
                [
                    "Bạn không có quyền",
                    "Vai trò của bạn không được xem hoặc làm việc này. Hãy hỏi quản trị viên nếu bạn cần quyền.",
                ],
                [
                    "You may not do this",
                    "Your role may not see or do this. Ask an admin if you need the right.",
                ],
            ),
            Self::NotFound => (
                ["Không tìm thấy", "Trang hoặc tin này không tồn tại, hoặc không thuộc phạm vi của bạn."],
                ["Nothing here", "The page or message does not exist, or is not within your scope."],
            ),
            Self::Stale => (
                [
                    "Trang đã cũ",
                    "Trang này được mở trước khi phiên thay đổi. Hãy quay lại, tải lại trang rồi thử lần nữa; chưa có gì được thay đổi.",
                ],
                [
                    "The page is out of date",
                    "It was opened before the session changed. Go back, reload and try again; nothing was changed.",
                ],
            ),
            Self::TooLarge => (
                ["Dữ liệu quá lớn", "Hãy chia danh sách thành các phần nhỏ hơn rồi thử lại."],
                ["Too much at once", "Split the list into smaller parts and try again."],
            ),
            Self::TooFast(_) => (
                ["Quá nhiều yêu cầu", "Bạn đang mở trang quá nhanh. Hãy chờ vài giây rồi thử lại."],
                ["Too many requests", "You ask faster than is allowed. Wait a few seconds and try again."],
            ),
            Self::Unreadable => (
                ["Không đọc được biểu mẫu", "Hãy quay lại, kiểm tra các ô đã nhập rồi gửi lại."],
                ["The form can't be read", "Go back, check what you have entered, and send it again."],
            ),
            Self::Internal(_) => (
                [
                    "Đã có lỗi",
                    "Lỗi đã được ghi lại. Hãy thử lại; nếu vẫn lỗi, hãy báo quản trị viên kèm mã yêu cầu bên dưới.",
                ],
                [
                    "Something went wrong",
                    "It has been logged. Try again; if it stays so, tell an admin the request id below.",
                ],
            ),
            Self::Unavailable(_) => (
                [
                    "Tạm thời gián đoạn",
                    "Cơ sở dữ liệu hoặc dịch vụ đăng nhập chưa phản hồi. Hãy thử lại sau vài giây; các tin đã xếp hàng không bị mất.",
                ],
                [
                    "Not available for a moment",
                    "The database or the sign-in service does not answer. Try again in a few seconds; queued messages are safe.",
                ],
            ),
        };
        let [title, advice] = match lang.0 {
            domain::explain::Language::Vietnamese => vietnamese,
            domain::explain::Language::English => english,
        };
        Words { title, advice }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => f.write_str(cause),
            Self::SignIn
            | Self::Forbidden
            | Self::NotFound
            | Self::Stale
            | Self::TooLarge
            | Self::TooFast(_)
            | Self::Unreadable => write!(f, "{self:?}"),
        }
    }
}

impl std::error::Error for PageError {}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Stale => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// An empty answer, which `around` fills.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy(_) => Self::Unavailable(error.to_string()),
            StoreError::Corrupt(_) | StoreError::Refused(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("a template can't be shown: {error}"))
    }
}
