//! One message: what it says, why it waits, and what may be done with it.

use crate::signing_in::sign_in;
use crate::support::{Browser, Condition, Site, Token};

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
fn send_now_sends_this_message_alone_whatever_stands_in_front_of_it() {
    let (site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let first = site.queue_message("0987654320", "Chờ trước");
    let id = site.queue_message("0987654321", "Gửi ngay");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    browser.click("form[action$='/send-now'] button");
    browser.until_seen("Đã giao tin này cho N8N.");
    assert!(browser.text(".pill.big").contains("Chờ phản hồi"));
    browser.go(&site.page(&format!("/outbound/messages/{first}")));
    assert!(browser.text(".pill.big").contains("Chờ gửi"));
}

#[test]
fn send_now_says_why_it_did_not_go() {
    let (mut site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let ids: Vec<String> = (0..5).map(|n| site.queue_message(&format!("098765432{n}"), "Gửi ngay")).collect();
    for (condition, said) in [
        (Condition::LimitFull, "Chưa gửi: giới hạn của phút này đã hết."),
        (Condition::Quiet, "Chưa gửi: đang trong giờ yên lặng."),
        (Condition::CircuitOpen, "N8N đang không phản hồi"),
        (Condition::NoWebhook, "Chưa cấu hình N8N"),
    ] {
        site.under(condition);
        browser.go(&site.page(&format!("/outbound/messages/{}", ids[4])));
        browser.click("form[action$='/send-now'] button");
        browser.until_seen(said);
        assert!(browser.text(".pill.big").contains("Chờ gửi"), "{condition:?}");
    }
}

#[test]
fn a_message_s_own_page_follows_what_becomes_of_it() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào bạn");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    browser.run("window.here = true");
    assert_eq!((browser.count(".acts button.danger"), browser.count("[data-follow]")), (1, 1));
    site.cancel(&id);
    browser.until("document.querySelector('.pill.big').innerText.includes('Đã hủy')");
    browser.until(
        "document.querySelectorAll('.steps li').length === 2 && !document.querySelector('.acts .danger')",
    );
    assert_eq!(
        (browser.run("return window.here"), browser.count(".acts form[action$=requeue]")),
        (true.into(), 1)
    );
}

#[test]
fn a_message_tells_its_history_as_a_picture_its_attempts_its_reasons_and_its_job() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound?status=FAILED&kind=DEAD&channel=FB"));
    browser.go(&site.page("/outbound/jobs?status=DONE"));
    browser.click("a.open-page");
    browser.click(".lines a");
    browser.until("document.querySelector('.strip')");
    let picture = browser.run("return document.querySelector('.strip').getAttribute('aria-label')");
    assert!(
        picture.as_str().unwrap().contains("Chờ gửi") && picture.as_str().unwrap().contains("Đã gửi"),
        "{picture}"
    );
    assert!(browser.count(".strip rect") >= 3 && browser.text("#now-time .legend").contains("không đều"));
    assert!(browser.text(".why").contains("Đã gửi"), "{}", browser.text(".why"));
    let tried = browser.text(".tries li");
    assert!(tried.starts_with("Lần 1") && tried.contains("Đã gửi"), "{tried}");
    assert!(browser.sees("Khách hàng đã nhận"));
    browser.click(".facts a[href^='/outbound/jobs/']");
    browser.until_seen("Mời học thử cuối tuần");
}

#[test]
fn nothing_that_the_system_wrote_is_english_on_a_vietnamese_page() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    let released = site.released("0987654321");
    browser.go(&site.page("/outbound?status=FAILED&kind=HELD"));
    let note = browser.text("tr.row .c-status .sub");
    assert!(note == "N8N không trả lời" || note.contains("chưa rõ kết quả"), "{note}");
    browser.go(browser.run("return document.querySelector('tr.row a.open').href").as_str().unwrap());
    assert!(browser.text(".steps").contains("N8N không trả lời"), "{}", browser.text(".steps"));
    assert!(!browser.sees("no answer") && !browser.sees("outcome unknown"));
    browser.go(&site.page(&format!("/outbound/messages/{released}")));
    assert!(browser.text(".steps").contains("giờ yên lặng bắt đầu"), "{}", browser.text(".steps"));
    assert!(!browser.sees("quiet hours"));
    browser.go(&site.page("/outbound/jobs?status=DONE"));
    browser.click("a.open-page");
    browser.until_seen("lượt chạy run-77");
}

#[test]
fn what_is_awaited_is_said() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào bạn");
    browser.reload();
    // An answer comes when the test lets it.
    browser.run("const ask = window.fetch; window.fetch = (...all) => new Promise((go) => (window.answer = () => go(ask(...all))))");
    browser.click(&format!("#m-{id} a.open"));
    browser.until("document.querySelector('#drawer[open][aria-busy=true] [role=status]')");
    assert!(browser.sees("Đang tải…"));
    browser.run("window.answer()");
    browser.until("document.querySelector('#drawer:not([aria-busy]) #panel')");
    browser.run("window.answer = null");
    browser.click("#drawer button.danger");
    browser.until("window.answer && document.querySelector('#drawer[aria-busy=true] button:disabled')");
    let said =
        browser.run("return getComputedStyle(document.querySelector('#drawer .panel'), '::after').content");
    assert_eq!(said, "\"Đang gửi…\"");
    browser.run("window.answer()");
    browser.until_seen("Đã hủy 1 tin.");
    assert_eq!(browser.count("#drawer[aria-busy]"), 0);
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
