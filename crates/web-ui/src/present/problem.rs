//! What is wrong with a message before it is sent, in words.

use domain::usecase::create::prepare::{Problem, ProblemKind};

use crate::lang::Lang;

/// What a variable is called.
pub(crate) fn variable(lang: Lang, name: &str) -> String {
    match name {
        "name" => lang.t("Tên khách", "Customer's name").to_owned(),
        "phone" => lang.t("Số điện thoại", "Phone").to_owned(),
        "ownerName" => lang.t("Người phụ trách", "Owner's name").to_owned(),
        // What templates commonly ask for.
        "amount" => lang.t("Số tiền", "Amount").to_owned(),
        "due" => lang.t("Hạn", "Due date").to_owned(),
        "className" => lang.t("Lớp", "Class").to_owned(),
        "time" => lang.t("Giờ", "Time").to_owned(),
        "date" => lang.t("Ngày", "Date").to_owned(),
        "score" => lang.t("Điểm", "Score").to_owned(),
        other => other.to_owned(),
    }
}

/// A problem as a sentence.
pub(crate) fn sentence(lang: Lang, problem: &Problem) -> String {
    let Problem { kind, field, reason } = problem;
    let english = || format!("{field}: {reason}");
    if let Some(name) = field.strip_prefix("variables.") {
        return format!("{}: {}", lang.t("Còn thiếu", "Still missing"), variable(lang, name));
    }
    match (kind, field.as_str()) {
        (ProblemKind::Forbidden, _) => lang
            .t("Người nhận này không thuộc phạm vi của bạn.", "This recipient is not within your scope.")
            .to_owned(),
        (ProblemKind::NotFound, "templateKey") => {
            lang.t("Mẫu tin này không còn nữa.", "This template is gone.").to_owned()
        }
        (ProblemKind::NotFound, _) => lang
            .t("Không tìm thấy người nhận trong danh bạ.", "The recipient is not among the contacts.")
            .to_owned(),
        (ProblemKind::Invalid, "to") if reason.starts_with("one of") => {
            lang.t("Chưa chọn người nhận.", "Nobody is chosen to get it.").to_owned()
        }
        (ProblemKind::Invalid, "to") => match reason.contains("no phone") {
            true => lang
                .t(
                    "Người này chưa có số điện thoại, kênh này cần số.",
                    "This contact has no phone number, which the channel needs.",
                )
                .to_owned(),
            false => lang
                .t(
                    "Số điện thoại không hợp lệ. Ví dụ đúng: 0901234567.",
                    "Not a valid phone number. Write it as 0901234567.",
                )
                .to_owned(),
        },
        (ProblemKind::Invalid, "text") => match reason.contains("empty") {
            true => lang.t("Chưa có nội dung.", "There is no text yet.").to_owned(),
            false => lang
                .t("Nội dung quá dài hoặc có ký tự lạ.", "The text is too long or has control characters.")
                .to_owned(),
        },
        (ProblemKind::Invalid, "at") => {
            lang.t("Chưa chọn thời điểm hẹn gửi.", "Choose the time at which it is to go.").to_owned()
        }
        (ProblemKind::Invalid, "variables") => {
            lang.t("Nội dung sau khi điền quá dài.", "The text is too long once it is filled in.").to_owned()
        }
        (ProblemKind::Invalid, "scheduledAt") => lang
            .t("Thời điểm hẹn phải trong vòng 366 ngày tới.", "The time must lie within 366 days.")
            .to_owned(),
        (ProblemKind::Invalid, "templateKey") => {
            lang.t("Mẫu tin này đang tắt.", "This template is switched off.").to_owned()
        }
        (ProblemKind::Invalid | ProblemKind::MissingVariable, _) => english(),
    }
}
