//! The demo's people: leads and students of two branches, and those who look after them.

use std::collections::BTreeSet;

use domain::access::{Caller, Role};
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{BranchId, IdError, LeadId, OwnerId, StudentId};
use domain::phone::PhoneNumber;

/// Who looks after contacts: id, name, branch.
pub(super) const OWNERS: [(&str, &str, &str); 4] = [
    ("u1", "Nguyễn Thị Lan", "b1"),
    ("u2", "Trần Văn Minh", "b1"),
    ("u3", "Lê Thu Hà", "b2"),
    ("u4", "Phạm Quốc Bảo", "b2"),
];

/// The contacts' names; the first [`LEADS`] are leads, the others students.
const NAMES: [&str; 30] = [
    "Nguyễn Minh Anh",
    "Trần Gia Huy",
    "Lê Ngọc Bích",
    "Phạm Đức Thịnh",
    "Hoàng Thảo Vy",
    "Vũ Quang Dũng",
    "Đặng Khánh Linh",
    "Bùi Tuấn Kiệt",
    "Đỗ Phương Nhi",
    "Hồ Thanh Tùng",
    "Ngô Hải Yến",
    "Dương Nhật Nam",
    "Lý Mỹ Duyên",
    "Phan Hoàng Long",
    "Võ Tường Vi",
    "Đinh Công Phúc",
    "Trịnh Hồng Nhung",
    "Mai Xuân Trường",
    "Cao Thùy Trang",
    "Tạ Bảo Châu",
    "Lâm Chí Khang",
    "Nguyễn Hà My",
    "Trần Đăng Khoa",
    "Lê Quỳnh Như",
    "Phạm Anh Tuấn",
    "Hoàng Gia Bảo",
    "Vũ Diệu Linh",
    "Đặng Hữu Phước",
    "Bùi Ánh Tuyết",
    "Đỗ Trung Hiếu",
];

/// How many of the contacts are leads.
const LEADS: usize = 18;
/// The one who wants neither SMS nor Zalo.
pub(super) const OPTED_OUT: usize = 28;

/// How many contacts there are.
pub(super) const COUNT: usize = NAMES.len();

/// The id of one contact.
pub(super) fn id(index: usize) -> Result<ContactId, IdError> {
    let number = index % COUNT + 1;
    if number <= LEADS {
        LeadId::parse(format!("lead-{number:02}")).map(ContactId::Lead)
    } else {
        StudentId::parse(format!("student-{:02}", number - LEADS)).map(ContactId::Student)
    }
}

/// Everybody. Their numbers belong to nobody, and end in none of the simulator's endings.
pub(super) fn contacts() -> Vec<Contact> {
    NAMES.iter().enumerate().filter_map(|(index, name)| contact(index, name)).collect()
}

fn contact(index: usize, name: &str) -> Option<Contact> {
    let id = id(index).ok()?;
    let (owner, owner_name, branch) = owner_of(index);
    let opted_out =
        if index == OPTED_OUT { BTreeSet::from([Channel::Sms, Channel::Zalo]) } else { BTreeSet::new() };
    Some(Contact {
        id,
        full_name: Some(name.to_owned()),
        phone: PhoneNumber::parse(&format!("0912340{:03}", 101 + 29 * index)).ok(),
        zalo_user_id: Some(format!("zalo-{:06}", 731_000 + index)),
        facebook_psid: Some(format!("52900000{:06}", 431_100 + index)),
        owner_id: OwnerId::parse(owner).ok(),
        owner_name: Some(owner_name.to_owned()),
        branch_id: BranchId::parse(branch).ok(),
        opted_out,
    })
}

fn owner_of(index: usize) -> (&'static str, &'static str, &'static str) {
    let [first, second, third, fourth] = OWNERS;
    match index % 4 {
        0 => first,
        1 => second,
        2 => third,
        _ => fourth,
    }
}

/// Whoever looks after a contact, as the one who writes to it.
pub(super) fn caller_for(index: usize) -> Result<Caller, IdError> {
    let (owner, name, branch) = owner_of(index);
    Ok(Caller {
        subject: OwnerId::parse(owner)?,
        role: Role::Telesales,
        branch: Some(BranchId::parse(branch)?),
        name: Some(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use delivery_n8n::simulator::ENDINGS;

    use super::*;

    #[test]
    fn everybody_has_an_address_of_their_own_that_has_no_meaning_to_the_simulator() {
        let everybody = contacts();
        assert_eq!(everybody.len(), COUNT);
        let numbers: BTreeSet<String> =
            everybody.iter().map(|contact| contact.phone.as_ref().unwrap().as_str().to_owned()).collect();
        assert_eq!(numbers.len(), COUNT);
        let psids = everybody.iter().map(|contact| contact.facebook_psid.clone().unwrap());
        for address in numbers.iter().cloned().chain(psids) {
            assert!(ENDINGS.iter().all(|(digits, _)| !address.ends_with(digits)), "{address}");
        }
    }
}
