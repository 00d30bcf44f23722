//! What changes shows by itself, and the page knows when it can't.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn a_row_changes_without_reload_and_keeps_focus_and_tick() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào");
    browser.reload();
    browser.until("!document.querySelector('#live').hidden");
    browser.run("window.here = true");
    browser.click(&format!("#m-{id} input"));
    browser.run(&format!("document.querySelector('#m-{id} a.open').focus()"));
    site.cancel(&id);
    browser.until(&format!("document.querySelector('#m-{id} .pill').innerText.includes('Đã hủy')"));
    assert_eq!(browser.run("return window.here"), true);
    assert_eq!(browser.run(&format!("return document.querySelector('#m-{id} input').checked")), true);
    assert_eq!(
        browser.run(&format!("return document.activeElement === document.querySelector('#m-{id} a.open')")),
        true
    );
}

#[test]
fn new_messages_are_offered_and_not_pushed_in() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.until("!document.querySelector('#live').hidden");
    let before = browser.count("tr.row");
    let id = site.queue_message("0987654321", "Chào");
    browser.until("!document.querySelector('#news').hidden");
    assert_eq!((browser.count("tr.row"), browser.text("#news").contains("1 tin mới")), (before, true));
    browser.click("#news");
    browser.until(&format!("document.querySelector('#m-{id}')"));
}

#[test]
fn a_session_that_expires_while_the_page_is_open_says_so() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound?channel=SMS"));
    browser.until("!document.querySelector('#live').hidden");
    site.revoke(Token::Telesales);
    browser.until_seen("Phiên làm việc đã hết hạn.");
    browser.click("#banner a");
    browser.until_seen("quay lại đúng trang");
    assert_eq!(
        browser.run("return document.querySelector('form.stack input[name=back]').value"),
        "/outbound?channel=SMS"
    );
}

#[test]
fn a_server_that_restarts_is_found_again_and_forms_still_work() {
    let (mut site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào");
    browser.reload();
    browser.until("document.querySelector('#live').innerText === 'Trực tiếp'");
    site.stop();
    browser.until("document.querySelector('#live').innerText === 'Đang nối lại…'");
    site.start_again();
    browser.until("document.querySelector('#live').innerText === 'Trực tiếp'");
    site.cancel(&id);
    browser.until(&format!("document.querySelector('#m-{id} .pill').innerText.includes('Đã hủy')"));
}

#[test]
fn a_page_that_nobody_looks_at_holds_no_connection_and_catches_up_when_it_is_looked_at() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào");
    // Counted where they are made.
    browser.go(&site.page("/outbound"));
    browser.until("document.querySelector('#live').innerText === 'Trực tiếp'");
    let hide = |on: bool| {
        browser.run(&format!("Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {on}}}); const Before = window.Before ??= EventSource; window.opened ??= 0; window.EventSource = class extends Before {{ constructor(url) {{ super(url); window.opened++; }} }}; document.dispatchEvent(new Event('visibilitychange'))"));
    };
    hide(true);
    site.cancel(&id);
    // Had there been a stream, it would have said so by the time another page shows it.
    browser.in_new_tab(|browser| {
        browser.go(&site.page("/outbound"));
        browser.until(&format!("document.querySelector('#m-{id} .pill').innerText.includes('Đã hủy')"));
    });
    assert!(browser.text(&format!("#m-{id} .pill")).contains("Chờ gửi"));
    assert_eq!(browser.run("return window.opened"), 0);
    hide(false);
    browser.until(&format!("document.querySelector('#m-{id} .pill').innerText.includes('Đã hủy')"));
    assert_eq!(browser.run("return window.opened"), 1);
}
