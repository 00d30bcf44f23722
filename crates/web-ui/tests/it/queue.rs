//! The table: filters, links that can be shared, the keyboard, and reading without scripts.

use crate::signing_in::sign_in;
use crate::support::{Browser, Condition, Site, Token};

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
    browser.until_seen("Đã hủy 2 tin. 1 tin không thực hiện được.");
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

/// Every tab that has a number leads to so many rows.
fn tabs_lead_to_as_many_as_they_say(browser: &Browser, site: &Site, path: &str) -> usize {
    browser.go(&site.page(path));
    let tabs = browser.run("return [...document.querySelectorAll('a.tab')].map(tab => [tab.getAttribute('href'), tab.querySelector('b').innerText])");
    let mut numbered = 0;
    for tab in tabs.as_array().unwrap() {
        let (href, count) = (tab[0].as_str().unwrap(), tab[1].as_str().unwrap());
        if !count.is_empty() {
            numbered += 1;
            browser.go(&site.page(href));
            assert_eq!(browser.text(".pager b"), count, "{href}");
            assert_eq!(browser.count("tr.row").min(40), count.parse::<u64>().unwrap().min(40), "{href}");
        }
    }
    numbered
}

#[test]
fn a_tab_s_number_is_that_of_the_rows_it_leads_to() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    assert_eq!(tabs_lead_to_as_many_as_they_say(&browser, &site, "/outbound"), 8);
    assert_eq!(tabs_lead_to_as_many_as_they_say(&browser, &site, "/outbound?status=FAILED&kind=DEAD"), 8);
    // Other filters narrow each status: only the list that is shown knows its number.
    assert_eq!(tabs_lead_to_as_many_as_they_say(&browser, &site, "/outbound?channel=SMS&status=SENT"), 1);
    assert_eq!(tabs_lead_to_as_many_as_they_say(&browser, &site, "/outbound?owner=u2"), 1);
    assert_eq!(
        tabs_lead_to_as_many_as_they_say(&browser, &site, "/outbound?owner=u2&status=FAILED&kind=DEAD"),
        0
    );
}

#[test]
fn the_number_of_a_narrowed_list_stays_its_own_while_it_is_live() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound?q=kh%C3%B4ng+c%C3%B3+ai+%C4%91%C3%A2u"));
    browser.until("document.querySelector('#live').innerText === 'Trực tiếp'");
    site.queue_message("0987654321", "Chào bạn");
    site.queue_message("0987654322", "không có ai đâu");
    browser.until("!document.querySelector('#news').hidden");
    browser.click("#news");
    browser.until("document.querySelectorAll('tr.row').length === 1");
    assert_eq!(browser.text("[data-count=ALL]"), "1");
    assert_eq!(browser.text("[data-count=SENT]"), "");
}

#[test]
fn days_priority_and_owner_narrow_the_list() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    let all = |selector: &str| {
        let each = browser.run(&format!("return [...new Set([...document.querySelectorAll('tr.row {selector}')].map(one => one.innerText.trim()))]"));
        each.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    browser.run("document.querySelector('#priority').value = 'HIGH'");
    browser.click(".filters button");
    browser.until("location.search.includes('priority=HIGH')");
    assert_eq!(all(".c-prio"), ["Cao"]);
    browser.go(&site.page("/outbound"));
    let owner = browser.text("tr.row .c-owner");
    browser.click("tr.row .c-owner a");
    browser.until("location.search.startsWith('?owner=u')");
    assert_eq!(all(".c-owner"), [owner]);
    assert!(browser.count("#owners option") > 0, "owners are offered by their names");
    let total: u32 = browser.text(".pager b").parse().unwrap();
    let day = |offset: i64| {
        browser.run(&format!(
            "return new Date(Date.now() + {offset} * 864e5 + 7 * 36e5).toISOString().slice(0, 10)"
        ))
    };
    for (from, to, expected) in [(-2, 0, total), (1, 2, 0), (-9, -5, 0)] {
        browser.run(&format!(
            "document.querySelector('#from').value = {}; document.querySelector('#to').value = {}",
            day(from),
            day(to)
        ));
        browser.click(".filters button");
        browser.until(&format!("location.search.includes('from=' + {})", day(from)));
        assert_eq!(browser.text(".pager b"), expected.to_string(), "from {from} to {to}");
    }
}

#[test]
fn older_messages_are_a_page_away_and_none_is_shown_twice() {
    let (site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    for number in 0..45 {
        site.queue_message(&format!("09876543{number:02}"), "Chào bạn");
    }
    let ids = || browser.run("return [...document.querySelectorAll('tr.row')].map(row => row.dataset.id)");
    // The rows come as the page is read.
    let until_rows = |n| browser.until(&format!("document.querySelectorAll('tr.row').length === {n}"));
    browser.go(&site.page("/outbound"));
    until_rows(40);
    let first = ids();
    browser.click("a[rel=next]");
    browser.until("location.search.includes('cursor=')");
    until_rows(5);
    let second = ids();
    let (first, second) = (first.as_array().unwrap().clone(), second.as_array().unwrap().clone());
    assert!(second.iter().all(|id| !first.contains(id)));
    browser.click(".pager a.button");
    browser.until("location.search === ''");
}

#[test]
fn the_filters_work_without_scripts() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.scripts(false);
    browser.go(&site.page("/outbound"));
    browser.fill("#q", "0912 340");
    browser.fill("#owner", "u1");
    browser.click(".filters .acts button");
    browser.scripts(true);
    browser.until("location.search.includes('owner=u1')");
    assert!(browser.count("tr.row") > 0);
    assert_eq!(browser.run("return [...new Set([...document.querySelectorAll('td.c-owner')].map(td => td.innerText.trim()))].length"), 1);
}

#[test]
fn a_due_message_says_what_holds_it_back() {
    let (mut site, browser) = (Site::empty(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let ids: Vec<String> = (0..4).map(|n| site.queue_message(&format!("098765432{n}"), "Chào")).collect();
    let note = format!("#m-{} .c-status .sub", ids[3]);
    browser.go(&site.page("/outbound"));
    assert_eq!(browser.text(&note), "đến lượt");
    for (condition, said) in [
        (Condition::LimitFull, "hết giới hạn phút này"),
        (Condition::CircuitOpen, "N8N tạm ngắt đến"),
        (Condition::Quiet, "yên lặng đến"),
        (Condition::NoWebhook, "chờ N8N tự lấy"),
    ] {
        // What is seen already changes too.
        site.under(condition);
        browser.until(&format!("document.querySelector('{note}').innerText.includes('{said}')"));
    }
}

#[test]
fn a_day_is_shown_as_the_page_writes_days_whatever_the_browser_s_language() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound?from=2026-11-05"));
    let shown = |id: &str, text: &str| {
        browser.until(&format!("document.getElementById('{id}')?.dataset.shown === '{text}'"));
    };
    shown("from", "05/11/2026");
    shown("to", "Mọi ngày");
    let painted = browser.run("return getComputedStyle(document.querySelector('#from'), '::before').content");
    assert_eq!(painted, "\"05/11/2026\"");
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    // The script is at work once it says that nothing is chosen.
    browser.until("document.querySelector('#at')?.dataset.shown");
    browser.run("const at = document.querySelector('#at'); at.value = '2026-12-24T09:30'; at.dispatchEvent(new Event('input', {bubbles: true}))");
    shown("at", "09:30 24/12/2026");
}
