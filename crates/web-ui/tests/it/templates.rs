//! Templates: written with a preview, switched off, deleted, and read by those who may not write them.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn a_manager_writes_a_template_that_others_then_send_with() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Manager);
    browser.click("nav.nav a[href='/outbound/templates']");
    browser.click("a[href='/outbound/new-template']");
    browser.click("#channel-SMS");
    browser.fill("#title", "Nhắc lịch học");
    browser.fill("#key", "Nhắc lịch");
    // While it is being written, what does not parse is said with its place.
    browser.fill("#body", "Chào {{ name }}, lớp {{ lop học }}");
    browser.until_seen("“lop học” ở dòng 1, ký tự 22 không phải tên biến");
    browser.fill("#body", "Chào {{ name }}, lớp {{ className }} học lúc {{ time }}.");
    browser.until_seen("Người gửi phải điền: Lớp, Giờ");
    assert_eq!(
        browser.text(".preview .bubble"),
        "Chào Nguyễn Minh Anh, lớp {{ className }} học lúc {{ time }}."
    );
    assert_eq!(browser.count(".preview .hole"), 2);
    browser.fill("#var-className", "IELTS 6.5");
    browser.until("document.querySelectorAll('.preview .hole').length === 1");
    assert!(
        browser.text(".preview .sms-meter b").ends_with("SMS")
            && browser.count(".preview mark:not(.hole)") > 3
    );
    browser.click("#save");
    browser.until_seen("Mã mẫu gồm 1 đến 64 ký tự");
    assert_eq!(browser.run("return document.querySelector('#title').value"), "Nhắc lịch học");
    browser.fill("#key", "remind_paid50");
    browser.click("#save");
    browser.until_seen("Đã có mẫu tin dùng mã này.");
    browser.fill("#key", "nhac_lich");
    browser.click("#save");
    browser.until_seen("Đã lưu mẫu tin.");
    assert!(browser.url().ends_with("/outbound/templates/nhac_lich"));
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    assert_eq!(browser.count("#template option[value=nhac_lich]"), 1);
    // Switched off it is offered no more.
    browser.go(&site.page("/outbound/templates/nhac_lich"));
    browser.click("#is-active");
    browser.click("#save");
    browser.until_seen("Đang tắt");
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    assert_eq!(browser.count("#template option[value=nhac_lich]"), 0);
    browser.go(&site.page("/outbound/templates/nhac_lich"));
    browser.click(".drop summary");
    browser.click(".drop-body button.danger");
    browser.until_seen("Đã xóa mẫu tin.");
    assert_eq!(browser.count("a[href='/outbound/templates/nhac_lich']"), 0);
}

#[test]
fn telesales_read_and_try_templates_but_do_not_change_them() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/templates?channel=SMS"));
    assert_eq!((browser.count(".card"), browser.count("a[href='/outbound/new-template']")), (2, 0));
    browser.click(".card h2 a[href$=remind_paid50]");
    browser.until_seen("Chỉ quản trị viên và trưởng chi nhánh được sửa mẫu tin.");
    assert_eq!(browser.count("#save, .button.danger, #body"), 0);
    browser.fill("#var-amount", "1.000.000đ");
    browser.until("document.querySelector('.preview .bubble').innerText.includes('1.000.000đ')");
    // What the page does not offer, the server does not do.
    let status = "const form = document.querySelector('form.compose'); const request = new XMLHttpRequest(); request.open('POST', arguments[0], false); request.send(new URLSearchParams(new FormData(form))); return request.status";
    for path in [
        "/outbound/templates/remind_paid50",
        "/outbound/templates/remind_paid50/delete",
        "/outbound/new-template",
    ] {
        let answer = browser.run(&status.replace("arguments[0]", &format!("'{path}'")));
        assert_eq!(answer, 403, "{path}");
    }
}

#[test]
fn of_two_who_change_a_template_the_second_is_told() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Manager);
    browser.go(&site.page("/outbound/templates/trial_invite"));
    browser.fill("#body", "Hi {{ name }}, mời bạn học thử.");
    site.rewrite_template("trial_invite", "Hi {{ name }}, lớp đã đủ chỗ.");
    browser.click("#save");
    browser.until_seen("Người khác vừa sửa mẫu này.");
    assert_eq!(
        browser.run("return document.querySelector('#body').value"),
        "Hi {{ name }}, mời bạn học thử."
    );
    browser.click("#save");
    browser.until_seen("Đã lưu mẫu tin.");
}
