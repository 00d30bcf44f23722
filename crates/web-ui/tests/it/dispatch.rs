//! Dispatching by hand, what is stuck, and work on all that match.

use crate::signing_in::sign_in;
use crate::support::{Browser, Condition, Site, Token};

#[test]
fn a_dry_run_tells_what_would_go_by_priority_and_owner_and_the_run_does_it() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/worker"));
    browser.fill("#limit", "3");
    browser.click(".run-form button[name=plan]");
    browser.until("document.querySelector('.plan')");
    assert!(browser.sees("Sẽ gửi 3 tin. Chưa có gì được gửi."));
    let sum = |place: u32| {
        browser.run(&format!("return [...document.querySelectorAll('.two > div:nth-child({place}) b')].reduce((sum, one) => sum + Number(one.innerText), 0)"))
    };
    assert_eq!((sum(1), sum(2)), (3.into(), 3.into()));
    assert!(browser.url().contains("limit=3"), "a plan can be shown to another");
    browser.click(".run-form button.primary");
    browser.until_seen("Đã chuyển 3 tin cho N8N, 0 lỗi.");
    let latest = |column: u32| browser.text(&format!("#runs-table tbody tr td:nth-child({column})"));
    assert_eq!([latest(2), latest(3), latest(4)], ["admin", "3", "3"]);
}

#[test]
fn only_an_admin_passes_quiet_hours_and_is_warned() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Manager);
    browser.go(&site.page("/outbound/worker"));
    assert_eq!(browser.count("[name=ignoreQuietHours], #runs, #n8n"), 0);
    assert!(browser.count("#stuck .groups li") > 0);
    browser.click(".me-acts form button");
    browser.until("document.querySelector('#token')");
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/worker"));
    assert!(!browser.sees("ngoài giờ cho phép"));
    browser.click("[name=ignoreQuietHours]");
    browser.until_seen("ngoài giờ cho phép");
}

#[test]
fn a_dead_group_is_looked_at_and_requeued_whole() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/worker"));
    let count = browser.text("#dead .groups li .how-many");
    assert!(browser.text("#dead .groups li .cause p").contains("số thuê bao không tồn tại"));
    browser.click("#dead .groups li a");
    browser.until("document.querySelector('#rows')");
    assert_eq!(browser.count("tr.row").to_string(), count);
    assert!(browser.text(".by-cause").contains("số thuê bao không tồn tại"));
    browser.go(&site.page("/outbound/worker"));
    browser.click("#dead .groups li a.requeue");
    browser.until_seen(&format!("Xếp lại {count} tin"));
    assert_eq!(browser.count(".choices .danger"), 0, "only what was asked for is offered");
    assert!(!browser.sees("nhận hai lần"));
    browser.click(".choices button");
    browser.until_seen(&format!("Đã xếp lại {count} tin."));
    browser.go(&site.page("/outbound/worker"));
    assert!(!browser.sees("số thuê bao không tồn tại"));
    // What may have been sent is told apart, and requeued after a warning alone.
    assert!(browser.text("#held h3").contains("có thể đã gửi"));
    browser.click("#held .groups li a.requeue");
    browser.until_seen("nhận hai lần");
}

#[test]
fn all_that_match_are_cancelled_once_their_number_was_confirmed() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    for number in 0..3 {
        site.queue_message(&format!("098765432{number}"), "Chào bạn");
    }
    browser.go(&site.page("/outbound?status=QUEUED&q=Ch%C3%A0o+b%E1%BA%A1n"));
    browser.until("document.querySelectorAll('tr.row').length >= 3 && document.querySelector('#pick-all')");
    let matching = browser.count("tr.row");
    browser.click("#pick-all");
    assert_eq!(browser.count("#rows input:checked"), matching);
    browser.click(".pager a[href*=matching]");
    browser.until_seen(&format!("{matching} tin khớp"));
    assert!(browser.text(".terms").contains("Chờ gửi"));
    // What arrives now was not confirmed.
    let late = site.queue_message("0987654329", "Chào bạn");
    browser.click(".choices .danger");
    browser.until_seen(&format!("Đã hủy {matching} tin."));
    browser.until(&format!(
        "document.querySelectorAll('tr.row').length === 1 && document.querySelector('#m-{late}')"
    ));
}

#[test]
fn the_workflows_are_handed_out_with_the_addresses_filled_in() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/worker"));
    assert_eq!(browser.count(".files a"), 0);
    browser.fill("#webhook", "https://n8n.example.vn/webhook/outbound");
    browser.click("#n8n button");
    browser.until("document.querySelectorAll('.files a').length === 2");
    let file = browser.run("const request = new XMLHttpRequest(); request.open('GET', document.querySelector('.files a').href, false); request.send(); return request.getResponseHeader('content-disposition') + request.responseText");
    let file = file.as_str().unwrap();
    assert!(file.contains("attachment; filename=\"1-run-worker.json\""), "{file}");
    assert!(file.contains("https://n8n.example.vn/webhook/outbound") && file.contains(&site.url), "{file}");
}

#[test]
fn only_retries_leaves_what_is_queued_alone() {
    let (site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let id = site.queue_message("0987654321", "Chào bạn");
    browser.go(&site.page("/outbound/worker"));
    browser.click("[name=retryFailedOnly]");
    browser.click(".run-form button.primary");
    browser.until_seen("Không có tin nào đến hạn trong phạm vi của bạn.");
    browser.go(&site.page(&format!("/outbound/messages/{id}")));
    assert!(browser.text(".pill.big").contains("Chờ gửi"));
}

#[test]
fn what_holds_everything_back_is_said_before_and_after_a_run() {
    let (mut site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    site.queue_message("0987654321", "Chào bạn");
    for (condition, state, said) in [
        (Condition::LimitFull, "toàn hệ thống 2", "Giới hạn mỗi phút đã hết"),
        (Condition::CircuitOpen, "N8N lỗi 5 lần liên tiếp", "N8N đang không phản hồi"),
        (Condition::Quiet, "Mọi kênh yên lặng đến", "Đang trong giờ yên lặng"),
        (Condition::NoWebhook, "Chưa cấu hình N8N: không gửi được từ đây.", "Chưa cấu hình N8N"),
    ] {
        site.under(condition);
        browser.go(&site.page("/outbound/worker"));
        assert!(browser.text(".states").contains(state), "{condition:?}: {}", browser.text(".states"));
        browser.click("#run .run-form button.primary");
        browser.until("document.querySelector('.flash')");
        assert!(browser.text(".flash").contains(said), "{condition:?}: {}", browser.text(".flash"));
    }
    assert!(browser.sees("Chỉ ghi các lượt lấy được tin."));
}
