//! One message: what it says, why it waits, and what may be done with it.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn a_message_is_cancelled_and_requeued_in_the_panel_without_leaving_the_list() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào bạn, mai 18:30 học nhé");
    browser.reload();
    browser.click(&format!("#m-{id} a.open"));
    browser.until("document.querySelector('#drawer[open] #panel')");
    assert!(browser.sees("Chào bạn, mai 18:30 học nhé") && browser.sees("0987 654 321"));
    browser.click("#drawer button.danger");
    browser.until_seen("Đã hủy 1 tin.");
    browser.until("document.querySelector('#drawer .pill.big').innerText.includes('Đã hủy')");
    browser.click("#drawer form[action$=requeue] button");
    browser.until_seen("Đã xếp lại 1 tin.");
    // The list behind has followed.
    browser.until(&format!("document.querySelector('#m-{id} .pill').innerText.includes('Chờ gửi')"));
    assert!(browser.url().ends_with("/outbound"));
}

#[test]
fn send_now_runs_the_worker_within_the_own_scope_and_says_what_came_of_it() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Gửi ngay");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    browser.click("form[action='/outbound/dispatch'] button");
    browser.until_seen("cho N8N, 0 lỗi.");
    assert!(browser.text(".pill.big").contains("Chờ phản hồi"));
    // Another owner's messages still wait.
    sign_in_again(&browser, &site, Token::Admin);
    assert_ne!(browser.text("[data-count=QUEUED]"), "0");
}

fn sign_in_again(browser: &Browser, site: &Site, token: Token) {
    browser.click(".me-acts button");
    browser.until_seen("Bạn đã đăng xuất.");
    sign_in(browser, site, token);
}

#[test]
fn a_form_of_another_session_changes_nothing() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    browser.run("document.querySelector('.panel button.danger').form.csrf.value = '0'.repeat(64)");
    browser.click(".panel button.danger");
    browser.until_seen("Trang đã cũ");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    assert!(browser.text(".pill.big").contains("Chờ gửi"));
}
