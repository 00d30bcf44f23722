//! A list to many: read, reported row by row, sent in parts, and what stops it on the way.

use std::fmt::Write as _;

use tempfile::TempDir;

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

const TILES: &str = "[...document.querySelectorAll('.tiles b')].map(b => b.innerText).join(' ')";

fn choose(browser: &Browser, id: &str, value: &str) {
    browser.run(&format!(
        "const field = document.getElementById('{id}'); field.value = '{value}'; field.dispatchEvent(new Event('change', {{bubbles: true}}))"
    ));
}

fn paste(browser: &Browser, text: &str) {
    browser.run(&format!("document.querySelector('#csv').value = {}", serde_json::json!(text)));
    browser.click("#part-list button.primary");
    browser.until("document.querySelector('.mapping')");
}

/// A list of so many new numbers, as a file.
fn list(folder: &TempDir, rows: usize) -> std::path::PathBuf {
    let mut text = "\u{feff}Số điện thoại;Tên\r\n".to_owned();
    for row in 0..rows {
        let _ = write!(text, "09{:08};Khách {row}\r\n", 10_000_000 + row);
    }
    let path = folder.path().join("khach-thang-11.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_list_with_two_bad_rows_is_reported_row_by_row_then_sent_without_them() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.click("nav.nav a[href='/outbound/bulk']");
    browser.click("#channel-SMS");
    browser.until("document.querySelector('#template option[value=remind_paid50]')");
    choose(&browser, "template", "remind_paid50");
    browser.until_seen("{{\u{a0}amount\u{a0}}}");
    paste(
        &browser,
        "SĐT,Họ tên,Số tiền,Hạn,Ghi chú\n0987654321,Lan,\"2.450.000đ\",25/11,vip\n12345,Mai,1.000.000đ,25/11,\n0987654323,Cúc,,25/11,\n+84987654324,Đào,900.000đ,26/11,=HYPERLINK(1)\n0987654321,Lan,2.450.000đ,25/11,\n",
    );
    // The columns are known by their names; what is not used is not sent.
    let roles = browser.run(
        "return [...document.querySelectorAll('.mapping select')].map(select => select.value).join(' ')",
    );
    assert_eq!(roles, "to var:name var:amount var:due ");
    assert_eq!(browser.run(&format!("return {TILES}")), "2 1 2 4");
    let row = |line: u32| {
        browser.run(&format!("return [...document.querySelectorAll('.report tbody tr')].find(row => row.cells[0].innerText === '{line}').innerText.replace(/\\s+/g, ' ')"))
    };
    assert!(row(3).as_str().unwrap().contains("Bị loại 12345 Số điện thoại không hợp lệ"), "{}", row(3));
    assert!(row(4).as_str().unwrap().contains("Bị loại 0987654323 Còn thiếu: Số tiền"), "{}", row(4));
    assert!(row(6).as_str().unwrap().contains("Bỏ qua 0987 654 321 Trùng trong ngày"), "{}", row(6));
    assert!(
        row(2)
            .as_str()
            .unwrap()
            .contains("Chào Lan, trung tâm nhắc bạn hoàn thành 50% học phí còn lại (2.450.000đ)")
    );
    // What was rejected comes back with its reason, and nothing that a spreadsheet would run.
    let file = browser.run("const form = document.querySelector('form.bulk'); const request = new XMLHttpRequest(); request.open('POST', '/outbound/bulk/rejected', false); request.send(new FormData(form)); return request.responseText");
    let file = file.as_str().unwrap();
    assert!(
        file.contains(
            "3,Số điện thoại không hợp lệ. Ví dụ đúng: 0901234567.,12345,Mai,1.000.000đ,25/11,\"\"\r\n"
        ),
        "{file}"
    );
    assert_eq!(file.lines().count(), 3);
    browser.click("#send");
    browser.until_seen("Đã gửi vào hàng đợi xong.");
    assert!(
        browser.text("#sending .soft").contains("5/5 dòng · 2 đã xếp hàng · 1 bỏ qua · 2 bị loại"),
        "{}",
        browser.text("#sending")
    );
    browser.click("[data-job]");
    browser.until_seen("Gửi hàng loạt: Nhắc đóng nốt 50%");
    assert_eq!(browser.text(".pill.big"), "Hoàn tất");
    browser.until_seen("Chào Đào, trung tâm nhắc bạn");
    assert_eq!(browser.count(".lines li"), 3);
}

#[test]
fn rows_outside_the_scope_are_rejected_and_a_role_without_the_right_sees_nothing() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/bulk?channel=FB&template=trial_invite"));
    paste(&browser, "lead\nlead-02\nlead-13\nlead-999");
    assert_eq!(browser.run(&format!("return {TILES}")), "1 0 2");
    assert!(
        browser.sees("không thuộc phạm vi của bạn")
            && browser.sees("Không tìm thấy người nhận trong danh bạ")
    );
    browser.click(".me-acts form button");
    sign_in(&browser, &site, Token::Viewer);
    browser.go(&site.page("/outbound/bulk"));
    browser.until_seen("Bạn không có quyền");
}

#[test]
fn columns_are_chosen_by_hand_and_the_first_line_can_be_a_row() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/bulk?channel=SMS&template=exam_result"));
    paste(&browser, "0987654321\t87\n0987654322\t90");
    browser.until_seen("Chưa có cột nào cho biết người nhận");
    choose(&browser, "col-0", "to");
    browser.until_seen("Còn thiếu: Tên khách");
    choose(&browser, "col-1", "var:score");
    browser.until("document.querySelector('.said-list')?.innerText.includes('Chưa có cột') !== true");
    browser.click("#header");
    browser.until("document.querySelector('.file-line').innerText.includes('1 dòng')");
    browser.click("#header");
    browser.until("document.querySelector('.file-line').innerText.includes('2 dòng')");
    // Another text keeps the list.
    choose(&browser, "template", "");
    browser.until("document.querySelector('#text')");
    assert_eq!(browser.count(".mapping select"), 2);
    browser.click("button[name=reset]");
    browser.until("document.querySelector('#file')");
}

#[test]
fn a_file_that_is_no_list_says_what_it_is() {
    let (site, browser, folder) = (Site::start(), Browser::start(), TempDir::new().unwrap());
    sign_in(&browser, &site, Token::Telesales);
    let files: [(&str, Vec<u8>, &str); 4] = [
        ("so.xlsx", b"PK\x03\x04rest".to_vec(), "Đây là tệp Excel"),
        ("cu.csv", b"phone,name\n0987654321,L\xe2n".to_vec(), "không phải UTF-8 (thấy ở dòng 2)"),
        ("trong.csv", b"phone\n".to_vec(), "Danh sách trống"),
        (
            "dai.csv",
            format!("phone\n{}", "0987654321\n".repeat(10_001)).into_bytes(),
            "10.001 dòng; mỗi lần gửi tối đa 10.000",
        ),
    ];
    for (name, bytes, said) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        browser.go(&site.page("/outbound/bulk"));
        browser.choose_file("#file", &path);
        browser.until_seen(said);
        assert_eq!(browser.count("#send") + browser.count(".mapping"), 0, "{name}");
    }
}

#[test]
fn a_long_list_goes_in_parts_and_a_server_that_restarts_meanwhile_gets_each_row_once() {
    let (mut site, browser, folder) = (Site::start(), Browser::start(), TempDir::new().unwrap());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/bulk?channel=SMS"));
    browser.fill("#text", "Trung tâm nghỉ lễ ngày 20/11.");
    browser.choose_file("#file", &list(&folder, 1_201));
    browser.until_seen("1.201 dòng");
    browser.until_seen("Gửi 1.201 tin");
    assert!(browser.sees("khach-thang-11.csv"));
    site.stop();
    browser.click("#send");
    browser.until_seen("Mất kết nối. Đang tự thử lại; không dòng nào bị gửi hai lần.");
    assert_eq!(browser.text("[data-rows-done]"), "0");
    site.start_again();
    browser.until_seen("Đã gửi vào hàng đợi xong.");
    assert!(
        browser
            .text("#sending .soft")
            .contains("1.201/1.201 dòng · 1.201 đã xếp hàng · 0 bỏ qua · 0 bị loại")
    );
    browser.click("[data-job]");
    browser.until_seen("khach-thang-11.csv · 1.201 dòng");
    assert!(
        browser.text(".legend").split_whitespace().eq(["1.201", "Chờ", "gửi"]),
        "{}",
        browser.text(".legend")
    );
}

#[test]
fn a_session_that_expires_while_a_list_is_sent_is_renewed_beside_it_and_sending_goes_on() {
    let (site, browser, folder) = (Site::start(), Browser::start(), TempDir::new().unwrap());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/bulk?channel=SMS"));
    browser.fill("#text", "Trung tâm nghỉ lễ ngày 20/11.");
    browser.choose_file("#file", &list(&folder, 3));
    browser.until_seen("Gửi 3 tin");
    site.revoke(Token::Telesales);
    browser.click("#send");
    browser.until_seen("Phiên đã hết hạn. Hãy đăng nhập lại ở thẻ mới");
    browser.in_new_tab(|browser| sign_in(browser, &site, Token::TelesalesAnew));
    browser.until_seen("Đã gửi vào hàng đợi xong.");
    assert!(browser.text("#sending .soft").contains("3/3 dòng · 3 đã xếp hàng"));
}

#[test]
fn a_list_is_sent_without_scripts_and_a_form_that_is_sent_twice_is_sent_once() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.scripts(false);
    browser.go(&site.page("/outbound/bulk?channel=SMS"));
    browser.fill("#text", "Trung tâm nghỉ lễ ngày 20/11.");
    browser.fill("#csv", "phone\n0987654321\n0987654322\n12");
    browser.click("#part-list button.primary");
    browser.until_there("#send");
    browser.scripts(true);
    let job = browser.run("const form = document.querySelector('form.bulk'); const request = new XMLHttpRequest(); request.open('POST', '/outbound/bulk/send', false); request.send(new FormData(form)); return request.responseURL");
    browser.scripts(false);
    browser.click("#send");
    browser.scripts(true);
    browser.until_seen("Đã xếp hàng 2 tin; 1 dòng bị loại hoặc bỏ qua.");
    assert_eq!(browser.url(), job.as_str().unwrap());
    assert!(
        browser.text(".legend").split_whitespace().eq(["2", "Chờ", "gửi"]),
        "{}",
        browser.text(".legend")
    );
}

#[test]
fn a_template_that_changed_since_it_was_checked_is_not_sent_unseen() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/bulk?channel=FB&template=trial_invite"));
    paste(&browser, "lead\nlead-13");
    site.rewrite_template("trial_invite", "Hi {{ name }}, lớp học thử đã đủ chỗ.");
    browser.click("#send");
    browser.until_seen("Nội dung hoặc mẫu tin đã đổi sau khi kiểm tra");
    assert_eq!(browser.text("[data-created]"), "0");
}
