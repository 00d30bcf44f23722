//! What the columns of a list mean: guessed from their names, in Vietnamese and English, and then chosen by hand.

use domain::sms::strip_diacritics;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// The phone number, or the provider's id of the recipient.
    To,
    /// The CRM's id of a lead.
    Lead,
    /// The CRM's id of a student.
    Student,
    /// A variable of the text.
    Variable(String),
    /// Nothing that is used.
    Nothing,
}

const TO: &[&str] = &[
    "phone",
    "phonenumber",
    "mobile",
    "mobilephone",
    "tel",
    "telephone",
    "to",
    "recipient",
    "sdt",
    "sodt",
    "dt",
    "dienthoai",
    "sodienthoai",
    "didong",
    "sodidong",
    "sozalo",
    "psid",
    "facebookpsid",
    "mafacebook",
];
const LEAD: &[&str] = &["lead", "leadid", "idlead", "malead"];
const STUDENT: &[&str] = &["student", "studentid", "idstudent", "hocvien", "mahocvien", "mahv", "idhocvien"];
/// What the report of the rejected rows adds: read again, it is passed over.
const REPORT: &[&str] = &["dong", "line", "lydo", "reason"];
/// Other names of common variables.
const VARIABLES: [(&str, &[&str]); 8] = [
    ("name", &["ten", "hoten", "hovaten", "tenkhach", "tenkhachhang", "tenhocvien", "khachhang", "fullname"]),
    ("ownername", &["phutrach", "nguoiphutrach", "tenphutrach", "tuvanvien", "owner"]),
    ("amount", &["sotien", "hocphi", "tien"]),
    ("due", &["han", "hannop", "handong", "hanchot", "ngayhan", "duedate", "deadline"]),
    ("classname", &["lop", "tenlop", "lophoc", "class"]),
    ("time", &["gio", "thoigian"]),
    ("date", &["ngay"]),
    ("score", &["diem", "diemso"]),
];

/// A name without case, accents, spaces and signs.
fn plain(name: &str) -> String {
    strip_diacritics(&name.to_lowercase()).chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

/// Whether this is what a column is called.
pub(super) fn is_known(name: &str) -> bool {
    let name = plain(name);
    let name = name.as_str();
    [TO, LEAD, STUDENT, REPORT].iter().any(|names| names.contains(&name))
        || VARIABLES.iter().any(|(variable, names)| *variable == name || names.contains(&name))
}

impl Role {
    /// Reads a field of the form.
    pub(super) fn read(text: &str) -> Self {
        match text {
            "to" => Self::To,
            "lead" => Self::Lead,
            "student" => Self::Student,
            other => other.strip_prefix("var:").map_or(Self::Nothing, |name| Self::Variable(name.to_owned())),
        }
    }

    /// As the form's field holds it.
    pub(super) fn word(&self) -> String {
        match self {
            Self::To => "to".to_owned(),
            Self::Lead => "lead".to_owned(),
            Self::Student => "student".to_owned(),
            Self::Variable(name) => format!("var:{name}"),
            Self::Nothing => String::new(),
        }
    }

    /// What a column of this name holds, for a text with these variables.
    fn guess(name: &str, variables: &[String]) -> Self {
        let name = plain(name);
        let called = |names: &[&str]| names.contains(&name.as_str());
        if let Some(variable) = variables.iter().find(|variable| !name.is_empty() && plain(variable) == name)
        {
            // `phone` is the contact's, or the column's that says where it goes.
            return if name == "phone" { Self::To } else { Self::Variable(variable.clone()) };
        }
        if called(TO) {
            return Self::To;
        }
        if called(LEAD) {
            return Self::Lead;
        }
        if called(STUDENT) {
            return Self::Student;
        }
        let other = VARIABLES.iter().find(|(_, names)| called(names));
        let wanted = other.and_then(|(one, _)| variables.iter().find(|variable| plain(variable) == *one));
        wanted.map_or(Self::Nothing, |variable| Self::Variable(variable.clone()))
    }

    fn is_for(&self, variables: &[String]) -> bool {
        match self {
            Self::Variable(name) => variables.contains(name),
            Self::To | Self::Lead | Self::Student => true,
            Self::Nothing => false,
        }
    }
}

/// The roles of columns with these names. What was chosen stays, as far as the text still has it; of several columns
/// with the same role the first has it.
pub(super) fn roles(
    names: &[String],
    chosen: Option<&[Role]>,
    same_text: bool,
    variables: &[String],
) -> Vec<Role> {
    let mut taken: Vec<Role> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let role = match chosen.and_then(|chosen| chosen.get(place)) {
            Some(role) if same_text || role.is_for(variables) => role.clone(),
            Some(_) | None => Role::guess(name, variables),
        };
        let is_free = role.is_for(variables) && !taken.contains(&role);
        taken.push(if is_free { role } else { Role::Nothing });
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(names: &str, variables: &[&str]) -> String {
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        let variables: Vec<String> = variables.iter().map(|one| (*one).to_owned()).collect();
        roles(&names, None, false, &variables).iter().map(Role::word).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn columns_are_known_by_their_names_in_both_languages() {
        let variables = ["name", "amount", "due", "className"];
        assert_eq!(
            guessed("Số điện thoại,Họ và tên,Số tiền,Hạn nộp,Lớp,Ghi chú", &variables),
            "to,var:name,var:amount,var:due,var:className,"
        );
        assert_eq!(
            guessed("Phone,Full name,AMOUNT,due date,class_name", &variables),
            "to,var:name,var:amount,var:due,var:className"
        );
        assert_eq!(guessed("Mã học viên,LEAD ID,sđt", &[]), "student,lead,to");
    }

    #[test]
    fn of_two_columns_for_the_same_the_first_has_it() {
        assert_eq!(guessed("SĐT,Điện thoại,Dòng,Lý do", &["name"]), "to,,,");
    }

    #[test]
    fn what_was_chosen_stays_while_the_text_has_it() {
        let names = ["a".to_owned(), "Số tiền".to_owned(), "SĐT".to_owned()];
        let chosen = [Role::Variable("due".to_owned()), Role::Nothing, Role::To];
        let of = |same, variables: &[&str]| {
            let variables: Vec<String> = variables.iter().map(|one| (*one).to_owned()).collect();
            roles(&names, Some(&chosen), same, &variables)
                .iter()
                .map(Role::word)
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(of(true, &["due", "amount"]), "var:due,,to");
        assert_eq!(of(false, &["due", "amount"]), "var:due,var:amount,to");
        assert_eq!(of(false, &["amount"]), ",var:amount,to");
    }
}
