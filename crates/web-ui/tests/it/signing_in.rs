//! Signing in, by whom, and what each may see.

use crate::support::{Browser, Site, Token};

/// Signs in with a token, through the page.
pub fn sign_in(browser: &Browser, site: &Site, token: Token) {
    // Whoever has just signed out is still on the way.
    browser.until("!document.querySelector('.me-acts')");
    browser.go(&site.page("/outbound/sign-in"));
    browser.fill("#token", token.text());
    browser.click("form.stack button");
    browser.until("document.readyState === 'complete' && document.querySelector('.side')");
}

#[test]
fn without_a_session_one_signs_in_and_comes_back_to_where_one_wanted_to_go() {
    let (site, browser) = (Site::start(), Browser::start());
    browser.go(&site.page("/outbound?status=SENT"));
    browser.until_seen("Đăng nhập");
    browser.fill("#token", "nonsense");
    browser.click("form.stack button");
    browser.until_seen("Mã truy cập không đúng");
    browser.fill("#token", Token::Telesales.text());
    browser.click("form.stack button");
    browser.until("location.search === '?status=SENT'");
    assert!(browser.sees("Nguyễn Thị Lan") && browser.sees("Tư vấn viên"));
    // The cookie can't be read by a script.
    assert_eq!(browser.run("return document.cookie"), "");
    browser.click(".me-acts form button");
    browser.until_seen("Bạn đã đăng xuất.");
    browser.go(&site.page("/outbound"));
    browser.until_seen("Mã truy cập");
}

#[test]
fn one_click_signs_in_to_the_demo_and_each_role_sees_its_own() {
    let (site, browser) = (Site::start(), Browser::start());
    let mut totals = Vec::new();
    for who in ["admin", "manager", "telesales"] {
        browser.go(&site.page("/outbound/sign-in"));
        let place = ["admin", "manager", "telesales"].iter().position(|one| *one == who).unwrap();
        browser.click(&format!(".logins li:nth-child({}) button", place + 1));
        browser.until("document.querySelector('.side')");
        totals.push(browser.text("[data-count=ALL]").parse::<u32>().unwrap());
        let ignores = browser.count("input[name=ignoreQuietHours]");
        assert_eq!(ignores, u64::from(who == "admin"), "{who}");
        let owners = browser.run("return [...new Set([...document.querySelectorAll('td.c-owner')].map(td => td.innerText))].length");
        assert_eq!(
            owners,
            match who {
                "admin" => 3,
                "manager" => 2,
                _ => 1,
            },
            "{who}"
        );
        browser.click(".me-acts form button");
        browser.until_seen("Bạn đã đăng xuất.");
    }
    assert!(totals[0] > totals[1] && totals[1] > totals[2] && totals[2] > 0, "{totals:?}");
}

#[test]
fn a_viewer_is_told_that_the_queue_is_not_theirs_and_another_s_message_is_not_there() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Viewer);
    browser.go(&site.page("/outbound"));
    browser.until_seen("Bạn không có quyền");
    browser.click(".me-acts form button");
    sign_in(&browser, &site, Token::Admin);
    let foreign = browser.run("return [...document.querySelectorAll('tr.row')].find(row => row.querySelector('.c-owner').innerText !== 'Nguyễn Thị Lan').dataset.id");
    browser.click(".me-acts form button");
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page(&format!("/outbound/messages/{}", foreign.as_str().unwrap())));
    browser.until_seen("Không tìm thấy");
    browser.go(&site.page(&format!("/outbound/messages/{}", site.unknown_id())));
    browser.until_seen("Không tìm thấy");
}

#[test]
fn english_is_one_click_away_and_stays() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    assert_eq!(browser.run("return document.documentElement.lang"), "vi");
    browser.go(&site.page("/outbound?status=SENT"));
    browser.click("a[hreflang=en]");
    browser.until("document.documentElement.lang === 'en' && location.search === '?status=SENT'");
    browser.go(&site.page("/outbound"));
    assert!(browser.sees("Queue") && browser.sees("Awaiting reply"));
}

#[test]
fn each_role_is_led_to_what_it_may_see_and_offered_what_it_may_do() {
    let (site, browser) = (Site::start(), Browser::start());
    let queue = "/outbound";
    let (compose, bulk) = ("/outbound/compose", "/outbound/bulk");
    let (templates, jobs) = ("/outbound/templates", "/outbound/jobs");
    let new = "/outbound/new-template";
    for (token, may) in [
        (Token::Admin, vec![queue, compose, bulk, templates, jobs, new]),
        (Token::Manager, vec![queue, compose, bulk, templates, jobs, new]),
        (Token::Telesales, vec![queue, compose, bulk, templates, jobs]),
        (Token::DirectPage, vec![queue, compose, bulk, templates, jobs]),
        (Token::Viewer, vec![jobs]),
    ] {
        sign_in(&browser, &site, token);
        for path in [queue, compose, bulk, templates, jobs, new] {
            let is_linked = browser.count(&format!("nav.nav a[href='{path}']")) == 1;
            assert_eq!(is_linked, may.contains(&path) && path != new, "{token:?} {path}");
        }
        for path in [queue, compose, bulk, templates, jobs, new] {
            browser.go(&site.page(path));
            assert_eq!(browser.sees("Bạn không có quyền"), !may.contains(&path), "{token:?} {path}");
            if path == templates && may.contains(&path) {
                assert_eq!(
                    browser.count("a[href='/outbound/new-template']") == 1,
                    may.contains(&new),
                    "{token:?}"
                );
            }
        }
        browser.click(".me-acts form button");
        browser.until_seen("Bạn đã đăng xuất.");
    }
}

#[test]
fn a_bearer_token_opens_the_pages_as_it_does_the_api_and_no_cookie_stands_in_for_it() {
    let site = Site::start();
    let with = |headers: &str| site.raw("/outbound", headers);
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let cookie = format!("cookie: access_token={}\r\n", Token::Admin.text());
    let opened = with(&bearer(Token::Telesales.text()));
    assert!(opened.starts_with("HTTP/1.1 200") && opened.contains("Nguyễn Thị Lan"), "{opened}");
    let both = with(&(bearer(Token::Telesales.text()) + &cookie));
    assert!(both.contains("data-who=\"u1\""), "the header wins");
    assert!(
        with(&(bearer("nonsense") + &cookie)).starts_with("HTTP/1.1 303"),
        "a wrong one is not made good"
    );
    assert!(with(&cookie).contains("data-who=\"admin\""));
    assert!(with("authorization: Basic eDp5\r\n").starts_with("HTTP/1.1 303"));
}

#[test]
fn signing_out_of_a_session_that_is_over_leads_to_the_sign_in() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/templates"));
    site.revoke(Token::Telesales);
    browser.click(".me-acts form button");
    browser.until_seen("Bạn đã đăng xuất.");
    browser.go(&site.page("/outbound"));
    assert!(!browser.url().contains("expired"), "the cookie is gone");
}

#[test]
fn whoever_is_not_signed_in_sends_no_more_than_a_token() {
    let (site, browser) = (Site::start(), Browser::start());
    browser.go(&site.page("/outbound/sign-in"));
    for path in ["/outbound/sign-in", "/outbound/sign-in/demo/0", "/outbound/sign-out"] {
        let status = browser.run(&format!("const request = new XMLHttpRequest(); request.open('POST', '{path}', false); request.setRequestHeader('content-type', 'application/x-www-form-urlencoded'); request.send('token=' + 'x'.repeat(20000)); return request.status"));
        assert_eq!(status, if path.ends_with("out") { 200 } else { 413 }, "{path}");
    }
}

#[test]
fn cookies_are_for_this_site_alone_and_behind_tls_for_https_alone() {
    let mut site = Site::start();
    let cookies = |site: &Site, path: &str| {
        let answer = site.raw(path, "");
        let lines = answer.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for tls in [false, true] {
        if tls {
            site.behind_tls();
        }
        let set = [cookies(&site, "/outbound/sign-in"), cookies(&site, "/outbound/language?to=en")].concat();
        assert_eq!(set.len(), 2, "{set:?}");
        for cookie in set {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            assert_eq!(cookie.contains("Secure"), tls, "{cookie}");
        }
    }
}
