//! What holds for every page: accessible in both schemes, nothing foreign, nothing inline, a quiet console.

use serde_json::Value;

use crate::signing_in::sign_in;
use crate::support::{Browser, Condition, Site, Token};

const AXE: &str = include_str!("../assets/axe.min.js");

/// Every page, by its path; `{id}` is a message's id.
pub const PAGES: [(&str, &str); 16] = [
    (
        "compose",
        "/outbound/compose?channel=SMS&template=remind_paid50&lead=lead-04&var.amount=2.450.000%C4%91&var.due=25/11",
    ),
    ("queue", "/outbound"),
    ("failed", "/outbound?status=FAILED&kind=DEAD"),
    ("nothing", "/outbound?q=zzzz"),
    ("message", "/outbound/messages/{id}"),
    ("bulk", "/outbound/bulk?channel=SMS&template=remind_paid50"),
    ("report", "{report}"),
    ("templates", "/outbound/templates"),
    ("template", "/outbound/templates/remind_paid50?var.amount=2.450.000%C4%91"),
    ("new-template", "/outbound/new-template?channel=SMS"),
    ("jobs", "/outbound/jobs"),
    ("no-jobs", "/outbound/jobs?suggestion=none"),
    ("job", "{job}"),
    ("overview", "/outbound/overview"),
    ("dispatch", "/outbound/worker?plan=1&limit=5&webhook=https://n8n.example.vn/webhook/outbound"),
    ("matching", "/outbound/matching?status=FAILED"),
];

/// The id of the message that shows most: sent at the second attempt.
pub fn telling_message(browser: &Browser, site: &Site) -> String {
    browser.go(&site.page("/outbound?status=SENT"));
    let id = browser.run("return ([...document.querySelectorAll('tr.row')].find(row => row.querySelector('.c-tries').innerText === '2') ?? document.querySelector('tr.row')).dataset.id");
    id.as_str().unwrap().to_owned()
}

/// A list of which some rows are good, one is skipped and two are bad.
const LIST: &str = "Số điện thoại,Họ tên,Số tiền,Hạn nộp,Người phụ trách\n0987654321,Nguyễn Minh Anh,2.450.000đ,25/11,Nguyễn Thị Lan\n0987654322,Trần Gia Huy,1.800.000đ,25/11,Nguyễn Thị Lan\n0987 65,Lê Ngọc Bích,2.450.000đ,25/11,Nguyễn Thị Lan\n0987654324,Phạm Đức Thịnh,,25/11,Nguyễn Thị Lan\n0987654321,Nguyễn Minh Anh,2.450.000đ,25/11,Nguyễn Thị Lan\n+84 987 654 325,Hoàng Thảo Vy,3.200.000đ,26/11,Nguyễn Thị Lan";

/// Goes to a page of [`PAGES`]; `message` is a message's id.
pub fn visit(browser: &Browser, site: &Site, path: &str, message: &str) {
    match path {
        "{job}" => {
            browser.go(&site.page("/outbound/jobs?status=FAILED"));
            browser.click("a.open-page");
            browser.until_seen("Lịch sử");
        }
        "{report}" => {
            browser.go(&site.page("/outbound/bulk?channel=SMS&template=remind_paid50"));
            browser.run(&format!("document.querySelector('#csv').value = {}", serde_json::json!(LIST)));
            browser.click("#part-list button.primary");
            browser.until("document.querySelector('#send')");
            browser.run("document.activeElement.blur()");
        }
        path => browser.go(&site.page(&path.replace("{id}", message))),
    }
}

fn violations(browser: &Browser) -> Vec<String> {
    browser.run(AXE);
    browser.run("window.found = null; axe.run(document, {resultTypes: ['violations']}).then(result => { window.found = result.violations }, error => { window.found = [{id: String(error), nodes: []}] })");
    browser.until("window.found !== null");
    let found = browser.run("return window.found.map(one => one.id + ': ' + one.nodes.map(node => node.target.join(' ') + ' (' + (node.any[0]?.message ?? '') + ')').slice(0, 4).join('; '))");
    found.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn axe_finds_nothing_on_any_page_in_either_scheme_on_desk_and_phone() {
    let (site, browser) = (Site::start(), Browser::start());
    let mut found = Vec::new();
    let mut check = |name: &str| {
        for (width, dark) in [(1440, false), (1440, true), (390, false), (390, true)] {
            browser.look(width, 900, dark);
            let scheme = if dark { "dark" } else { "light" };
            found.extend(
                violations(&browser).into_iter().map(|one| format!("{name} {width} {scheme}: {one}")),
            );
        }
    };
    browser.go(&site.page("/outbound/sign-in"));
    check("sign-in");
    sign_in(&browser, &site, Token::Admin);
    let id = telling_message(&browser, &site);
    for (name, path) in PAGES {
        visit(&browser, &site, path, &id);
        check(name);
        browser.look(390, 844, false);
        let wider = browser.run("return document.documentElement.scrollWidth - 390");
        assert!(wider.as_i64().unwrap() <= 0, "{name} is wider than a phone by {wider}");
    }
    browser.go(&site.page("/outbound/nowhere"));
    check("not found");
    browser.go(&site.page("/outbound"));
    browser.click("tr.row a.open");
    browser.until("document.querySelector('#drawer[open] #panel')");
    check("panel");
    browser.press("\u{e00c}?");
    browser.until("document.querySelector('#help').open");
    check("help");
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-01"));
    browser.fill("#text", "Chao ban");
    browser.until_seen("8/160");
    browser.click("#send");
    browser.until("document.querySelector('.undo')");
    check("undo");
    visit(&browser, &site, "{report}", &id);
    browser.click("#send");
    browser.until("!document.querySelector('[data-after]').hidden");
    check("finished list");
    browser.click(".me-acts form button");
    browser.until("document.querySelector('#token')");
    sign_in(&browser, &site, Token::Viewer);
    browser.go(&site.page("/outbound/worker"));
    browser.until_seen("Bạn không có quyền");
    check("forbidden");
    browser.click(".me-acts form button");
    browser.until("document.querySelector('#token')");
    browser.fill("#token", Token::UNCHECKED);
    browser.click("form.stack button");
    browser.until_seen("Tạm thời gián đoạn");
    assert!(browser.sees("503"));
    check("not available");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn axe_finds_nothing_while_something_holds_messages_back_or_there_are_none() {
    let (mut site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    let mut found = Vec::new();
    let mut check = |name: String| {
        for (width, dark) in [(1440, false), (390, true)] {
            browser.look(width, 900, dark);
            found.extend(violations(&browser).into_iter().map(|one| format!("{name} {width}: {one}")));
        }
    };
    for condition in [Condition::LimitFull, Condition::CircuitOpen, Condition::Quiet, Condition::NoWebhook] {
        site.under(condition);
        for path in ["/outbound", "/outbound/overview", "/outbound/worker?plan=1"] {
            browser.go(&site.page(path));
            check(format!("{condition:?} {path}"));
        }
    }
    drop(site);
    let site = Site::empty();
    // A cookie is good for every port of the machine.
    browser.go(&site.page("/outbound"));
    browser.until_seen("Hàng đợi đang trống");
    check("empty queue".to_owned());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nothing_foreign_is_loaded_nothing_inline_runs_and_the_console_is_quiet() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    let id = telling_message(&browser, &site);
    for (_, path) in PAGES {
        visit(&browser, &site, path, &id);
        browser.until("document.readyState === 'complete'");
        assert_eq!(browser.count("script:not([src]), style, [style], [onclick], [onload]"), 0, "{path}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let foreign: Vec<String> = browser
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&site.url) && !url.starts_with("data:") && !url.starts_with("chrome"))
        .collect();
    assert_eq!(foreign, Vec::<String>::new());
    // The policy is in force: what somebody slips in does not run.
    browser.run("const script = document.createElement('script'); script.textContent = 'window.evil = true'; document.head.append(script)");
    assert_eq!(browser.run("return window.evil ?? 'stopped'"), "stopped");
    let policy = browser.run("const request = new XMLHttpRequest(); request.open('GET', '/outbound', false); request.send(); return request.getResponseHeader('content-security-policy')");
    let policy = policy.as_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
}
