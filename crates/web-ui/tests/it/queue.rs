//! The table: filters, links that can be shared, the keyboard, and reading without scripts.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn filters_live_in_the_url_and_the_link_shows_another_the_same() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.click("a.tab.t-dead");
    browser.until("location.search === '?status=FAILED'");
    browser.click("a.chip.t-dead");
    browser.until("location.search.includes('kind=DEAD')");
    browser.fill("#q", "không");
    browser.fill("#q", "0912 340");
    browser.run("document.querySelector('#channel').value = 'SMS'");
    browser.click(".filters button");
    browser.until("location.search.includes('channel=SMS')");
    let shared = browser.url();
    let seen = browser.run("return [...document.querySelectorAll('tr.row')].map(row => row.dataset.id)");
    assert!(!seen.as_array().unwrap().is_empty());
    assert!(browser.count("tr.row") == browser.count("tr.row .t-dead"));
    let other = Browser::start();
    sign_in(&other, &site, Token::Admin);
    other.go(&shared);
    assert_eq!(other.run("return [...document.querySelectorAll('tr.row')].map(row => row.dataset.id)"), seen);
    assert_eq!(other.run("return document.querySelector('#q').value"), "0912 340");
    browser.click(".filters a.quiet");
    browser.until("location.search === '?status=FAILED&kind=DEAD'");
}

#[test]
fn nothing_that_matches_and_nothing_at_all_say_what_to_do_next() {
    let (site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.until_seen("Hàng đợi đang trống");
    browser.go(&site.page("/outbound?q=zzzz"));
    browser.until_seen("Không có tin nào khớp");
    browser.click(".empty a");
    browser.until("location.search === ''");
}

#[test]
fn the_keyboard_is_enough() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let current = "document.querySelector('tr.current')";
    browser.press("jj");
    browser.until(&format!("{current} === document.querySelectorAll('tr.row')[1]"));
    browser.press("k");
    browser.until(&format!("{current} === document.querySelectorAll('tr.row')[0]"));
    browser.press("x");
    browser.until(&format!("{current}.querySelector('input').checked"));
    browser.press("\u{e007}");
    browser.until("document.querySelector('#drawer[open] #panel')");
    assert!(browser.sees("Khách hàng sẽ thấy"));
    browser.press("\u{e00c}");
    browser.until("!document.querySelector('#drawer').open");
    browser.until(&format!("{current}.contains(document.activeElement)"));
    browser.press("?");
    browser.until("document.querySelector('#help').open");
    browser.press("\u{e00c}");
    browser.press("/");
    browser.until("document.activeElement.id === 'q'");
    browser.press("j");
    assert_eq!(browser.run("return document.activeElement.value"), "j");
}

#[test]
fn reading_filtering_and_acting_need_no_script() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào bạn");
    browser.scripts(false);
    browser.go(&site.page("/outbound"));
    browser.click("a.tab.t-queued");
    browser.click(&format!("#m-{id} a.open"));
    browser.click(".panel button.danger");
    browser.scripts(true);
    browser.until_seen("Đã hủy 1 tin.");
    assert!(browser.url().ends_with(&id));
}

#[test]
fn ticked_messages_are_cancelled_together_and_those_that_refuse_are_counted() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let ids = ["0987654321", "0987654322"].map(|to| site.queue_message(to, "Chào bạn"));
    browser.go(&site.page("/outbound?status=SENT"));
    let sent = browser.run("return document.querySelector('tr.row').dataset.id");
    browser.go(&site.page("/outbound"));
    assert_eq!(browser.run("return getComputedStyle(document.querySelector('.act-bar')).display"), "none");
    for id in ids.iter().map(String::as_str).chain(sent.as_str()) {
        browser.click(&format!("#m-{id} input"));
    }
    browser.click(".act-bar button.danger");
    browser.until_seen("Đã hủy 2 tin. 1 tin không cho phép.");
    assert!(browser.text(&format!("#m-{} .pill", ids[0])).contains("Đã hủy"));
}

#[test]
fn the_first_page_with_all_that_it_loads_is_less_than_100_kb() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    for number in 0..40 {
        site.queue_message(&format!("09876543{number:02}"), &format!("Chào bạn {number}, mai 18:30 học nhé"));
    }
    browser.go(&site.page("/outbound"));
    browser.until("document.readyState === 'complete'");
    assert_eq!(browser.count("tr.row"), 40);
    // As compressed; what the browser kept counts as well.
    let bytes = browser.run("return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, one) => sum + one.encodedBodySize, 0)");
    let bytes = bytes.as_u64().unwrap();
    assert!((10_000..100_000).contains(&bytes), "{bytes} bytes");
}
