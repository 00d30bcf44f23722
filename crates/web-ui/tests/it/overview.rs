//! How it goes, in pictures.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn the_pictures_have_their_numbers_beside_them_and_follow_what_happens() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/overview"));
    // As many bars as hours, and as many messages as the queue has.
    assert_eq!((browser.count(".plot g"), browser.count("#hours-table tbody tr")), (24, 24));
    let drawn = browser.run("return [...document.querySelectorAll('#hours-table tbody td:last-child')].reduce((sum, one) => sum + Number(one.textContent), 0)");
    let shown = browser.run("const request = new XMLHttpRequest(); request.open('GET', '/outbound', false); request.send(); return Number(new DOMParser().parseFromString(request.responseText, 'text/html').querySelector('[data-count=ALL]').innerText)");
    assert_eq!(drawn, shown);
    let silent = browser.run("return [...document.querySelectorAll('main svg:not([aria-hidden])')].filter(one => one.getAttribute('role') !== 'img' || !one.getAttribute('aria-label')).length");
    assert_eq!(silent, 0, "each picture says what it shows");
    assert_eq!(browser.count(".bands li"), 4);
    browser.run("window.here = true");
    let before = browser.text("#depth");
    site.queue_message("0987654321", "Chào");
    browser.until(&format!("document.querySelector('#depth').innerText !== {}", serde_json::json!(before)));
    assert_eq!(browser.run("return window.here"), true);
}

#[test]
fn the_numbers_are_those_of_the_own_scope() {
    let (site, browser) = (Site::start(), Browser::start());
    let sums = [Token::Admin, Token::Manager, Token::Telesales].map(|token| {
        sign_in(&browser, &site, token);
        browser.go(&site.page("/outbound/overview"));
        let sum = browser.run("return [...document.querySelectorAll('#hours-table tbody td:last-child')].reduce((sum, one) => sum + Number(one.textContent), 0)");
        let owners = browser.count("#limits .bars li");
        browser.click(".me-acts form button");
        browser.until_seen("Bạn đã đăng xuất.");
        (sum.as_u64().unwrap(), owners)
    });
    assert!(sums[0].0 > sums[1].0 && sums[1].0 > sums[2].0, "{sums:?}");
    assert_eq!(sums[2].1, 2, "the limit of all and the own one: {sums:?}");
}

#[test]
fn an_empty_queue_says_so() {
    let (site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/overview"));
    browser.until_seen("Chưa có tin nào trong 24 giờ qua");
    browser.go(&site.page("/outbound/worker"));
    browser.until_seen("Không có tin nào bị dừng");
}
