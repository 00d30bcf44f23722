//! Jobs: how far each is, and what of it is for whose eyes.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

#[test]
fn a_viewer_is_at_home_with_the_jobs_and_reads_neither_phones_nor_texts() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Viewer);
    browser.until("location.pathname === '/outbound/jobs'");
    assert_eq!(browser.count("nav.nav a"), 1);
    assert!(browser.sees("Nhắc chị Mai ••• đóng phí") && !browser.sees("0901 234 567"));
    // Those of the own branch alone.
    assert_eq!(browser.count(".listing tbody tr"), 3);
    browser.go(&site.page("/outbound/jobs?status=FAILED"));
    browser.click("a.open-page");
    browser.until_seen("1/2 đã gửi");
    assert!(
        !browser.sees("0901")
            && !browser.sees("0912")
            && !browser.sees("duyệt")
            && !browser.sees("Trần Gia Huy")
    );
    assert_eq!(browser.count("main a[href^='/outbound?'], main a[href^='/outbound/messages']"), 0);
}

#[test]
fn jobs_are_filtered_and_lead_into_the_queue() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.click("nav.nav a[href='/outbound/jobs']");
    browser.until("document.querySelectorAll('.listing tbody tr').length === 2");
    browser.click(".kinds a[href='/outbound/jobs?status=DONE']");
    browser.until("document.querySelectorAll('.listing tbody tr').length === 1");
    assert!(browser.sees("4/4 đã gửi"));
    browser.click("a.open-page");
    browser.until_seen("Lịch sử");
    assert!(browser.sees("Chị Lan 0912 340 101 duyệt.") && browser.sees("Nguyễn Minh Anh"));
    assert_eq!(browser.count(".steps li"), 3);
    assert!(browser.text(".steps").contains("bởi bạn"), "{}", browser.text(".steps"));
    browser.click(".legend a");
    browser.until("location.search.includes('job=') && location.search.includes('status=SENT')");
    assert_eq!(browser.count("tr.row"), 4);
}

#[test]
fn another_s_job_is_not_there() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/jobs?owner=u3"));
    let foreign = browser.run("return document.querySelector('a.open-page').href");
    assert_eq!(browser.text("td.w-by"), "Lê Thu Hà");
    browser.click(".me-acts form button");
    sign_in(&browser, &site, Token::Viewer);
    browser.go(foreign.as_str().unwrap());
    browser.until_seen("Không tìm thấy");
}

#[test]
fn progress_shows_by_itself() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/jobs?status=NEW"));
    browser.click("a.open-page");
    browser.until("document.querySelector('.legend').innerText.split(/\\s+/).join(' ') === '3 Chờ gửi'");
    browser.run("window.here = true");
    let message = browser.run("return document.querySelector('.lines a').href.split('/').pop()");
    site.cancel(message.as_str().unwrap());
    browser.until("document.querySelector('.legend').innerText.split(/\\s+/).join(' ').includes('1 Đã hủy')");
    assert_eq!(browser.run("return window.here"), true);
}
