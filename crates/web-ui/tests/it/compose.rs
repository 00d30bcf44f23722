//! Writing a message: whom to, what it will say, what is wrong with it, and taking it back.

use crate::signing_in::sign_in;
use crate::support::{Browser, Site, Token};

fn choose(browser: &Browser, id: &str, value: &str) {
    browser.run(&format!(
        "const field = document.getElementById('{id}'); field.value = '{value}'; field.dispatchEvent(new Event('change', {{bubbles: true}}))"
    ));
}

#[test]
fn a_message_is_previewed_while_one_types_sent_and_taken_back() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.click("a[href='/outbound/compose'].button");
    browser.click("#channel-SMS");
    browser.until("document.querySelector('#template option[value=remind_paid50]')");
    // Somebody whom nothing was sent to with this template, at whatever hour this runs.
    browser.fill("#who", "duc thinh");
    browser.until("document.querySelectorAll('.person').length === 1");
    browser.click(".person input");
    choose(&browser, "template", "remind_paid50");
    browser.until_seen("Còn thiếu: Số tiền");
    browser.fill("#var-amount", "2.450.000đ");
    browser.fill("#var-due", "25/11");
    browser.until("document.querySelector('.preview .bubble').innerText.includes('Chào Phạm Đức Thịnh')");
    browser.until("document.querySelector('.preview .bubble').innerText.includes('2.450.000đ') && !document.querySelector('.said-list.bad')");
    // Vietnamese costs: what does is marked, and one click drops it.
    assert!(browser.text(".sms-meter b").starts_with("3 SMS"), "{}", browser.text(".sms-meter"));
    assert!(browser.count(".preview mark") > 5);
    browser.click("#plain");
    browser.until("document.querySelector('.sms-meter b').innerText === '1 SMS'");
    assert!(browser.text(".preview .bubble").contains("Chao Pham Duc Thinh"));
    browser.click("#send");
    browser.until_seen("Tin đã vào hàng đợi.");
    browser.until("Number(document.querySelector('[data-left]')?.innerText) <= 10");
    browser.click(".undo button");
    browser.until_seen("Đã hủy 1 tin.");
    assert!(browser.text(".pill.big").contains("Đã hủy"));
}

#[test]
fn whoever_presses_twice_sends_once() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-01"));
    browser.fill("#text", "Chao ban");
    browser.until("Number(document.querySelector('#draft').dataset.looked) > 0");
    browser.requests();
    browser.run("const send = document.querySelector('#send'); send.click(); send.click()");
    browser.until_seen("Tin đã vào hàng đợi.");
    let sent = browser.requests().into_iter().filter(|url| url.ends_with("/outbound/compose")).count();
    assert_eq!(sent, 1);
}

#[test]
fn what_would_be_wrong_is_shown_before_and_after_sending_and_nothing_is_lost() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    // A contact of somebody else can't be slipped in.
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-02"));
    browser.fill("#text", "Chào bạn");
    browser.until_seen("không thuộc phạm vi của bạn");
    browser.run("window.before = true");
    browser.click("#send");
    browser.until("!window.before && document.querySelector('#text')");
    browser.until_seen("không thuộc phạm vi của bạn");
    assert_eq!(browser.run("return document.querySelector('#text').value"), "Chào bạn");
    // A bare number, and a time that is still to be chosen.
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    browser.fill("#text", "Chao ban");
    browser.fill("#who", "0987 654 321");
    browser.until("document.querySelector('.person input')?.value === 'to:+84987654321'");
    browser.click(".person input");
    browser.click("#when-later");
    browser.until_seen("Chưa chọn thời điểm hẹn gửi.");
    browser.run("const at = document.querySelector('#at'); at.value = new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10) + 'T09:30'; at.dispatchEvent(new Event('input', {bubbles: true}))");
    browser.until("!document.querySelector('.said-list.bad')");
    browser.until("document.querySelector('.preview time')?.innerText.startsWith('09:30:00')");
    browser.click("#send");
    browser.until_seen("Tin đã vào hàng đợi.");
    assert!(browser.sees("Đã hẹn gửi lúc 09:30:00") && browser.count(".undo") == 0);
}

#[test]
fn the_form_works_without_scripts() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.scripts(false);
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    browser.fill("#who", "0987654321");
    browser.click(".with-button button");
    browser.click(".person input");
    browser.fill("#text", "Chao ban");
    browser.click("#send");
    browser.scripts(true);
    browser.until_seen("Tin đã vào hàng đợi.");
}

#[test]
fn a_recipient_is_found_and_chosen_by_keyboard_alone() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/compose?channel=SMS"));
    browser.run("document.querySelector('#who').focus()");
    browser.press("minh anh\u{e007}");
    browser.until("document.querySelector('.person input:checked')?.value === 'lead:lead-01'");
    browser.run("const who = document.querySelector('#who'); who.value = ''; who.focus()");
    let looked = "Number(document.querySelector('#draft').dataset.looked)";
    let before = browser.run(&format!("return {looked}"));
    browser.press("a\u{e007}");
    browser.until(&format!("{looked} > {before} && document.querySelectorAll('.person').length > 1"));
    browser.press("\u{e015}");
    browser.until("document.activeElement.name === 'recipient'");
    browser.press(" ");
    browser.until("document.querySelector('.person input:checked')");
}

#[test]
fn what_is_written_outlives_the_session_and_goes_out_after_a_new_sign_in() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-01"));
    browser.fill("#text", "Chao ban, mai gap nhe");
    browser.until("document.querySelector('.preview .bubble').innerText.includes('mai gap nhe')");
    site.revoke(Token::Telesales);
    browser.click("#send");
    browser.until_seen("Phiên làm việc đã hết hạn. Những gì bạn đang soạn vẫn còn ở đây.");
    assert_eq!(browser.run("return document.querySelector('#banner a').target"), "_blank");
    browser.in_new_tab(|browser| sign_in(browser, &site, Token::TelesalesAnew));
    assert_eq!(browser.run("return document.querySelector('#text').value"), "Chao ban, mai gap nhe");
    browser.click("#send");
    browser.until_seen("Tin đã vào hàng đợi.");
}

#[test]
fn what_is_written_outlives_a_restart_of_the_server() {
    let (mut site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-01"));
    site.stop();
    browser.fill("#text", "Chao ban, mai gap nhe");
    browser.until_seen("Mất kết nối với máy chủ. Trang sẽ tự nối lại.");
    browser.click("#send");
    browser.until_seen("Mất kết nối với máy chủ. Trang sẽ tự nối lại.");
    site.start_again();
    browser.until("document.querySelector('#banner').hidden");
    browser.click("#send");
    browser.until_seen("Tin đã vào hàng đợi.");
}

#[test]
fn dropping_the_diacritics_shows_the_difference_and_keeps_the_template() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    let form = "/outbound/compose?channel=SMS&template=remind_paid50&lead=lead-04&var.amount=1.200.000%C4%91&var.due=25/11";
    browser.go(&site.page(form));
    let changed = browser
        .run("return [...document.querySelectorAll('.plainer ins')].map(one => one.textContent).join('')");
    assert!(changed.as_str().unwrap().contains('u') && changed.as_str().unwrap().is_ascii(), "{changed}");
    browser.click("#plain");
    browser.until("document.querySelector('.sms-meter b').innerText === '1 SMS'");
    browser.click("#send");
    browser.until_seen("Tin đã vào hàng đợi.");
    assert!(browser.text(".bubble").contains("Chao") && browser.text(".facts").contains("remind_paid50"));
    // It is of that template, so that the next one is a duplicate: said before, in words for what is still to come.
    browser.go(&site.page(form));
    browser.until_seen("tin mới sẽ bị bỏ qua, trừ khi cho phép trùng");
    assert!(!browser.sees("hoàn tác sau khi bấm gửi"), "nothing to undo");
    browser.click("#allow-duplicate");
    browser.until("!document.body.innerText.includes('tin mới sẽ bị bỏ qua')");
    browser.until_seen("hoàn tác sau khi bấm gửi");
}

#[test]
fn english_is_one_click_away_from_whatever_is_being_written() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Admin);
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-01"));
    browser.fill("#text", "Chao ban, mai gap nhe");
    for (lang, title) in [("en", "Compose"), ("vi", "Soạn tin"), ("en", "Compose")] {
        browser.click(".me-acts button[form=draft]");
        browser
            .until(&format!("document.documentElement.lang === '{lang}' && document.querySelector('#text')"));
        assert_eq!(browser.text("h1"), title);
        assert_eq!(browser.run("return document.querySelector('#text').value"), "Chao ban, mai gap nhe");
    }
    // It is kept.
    browser.go(&site.page("/outbound/new-template"));
    assert_eq!(browser.text("h1"), "New template");
    browser.fill("#body", "Chao {{ name }}");
    browser.click(".me-acts button[form=draft]");
    browser.until("document.documentElement.lang === 'vi' && document.querySelector('#body')");
    assert_eq!(browser.run("return document.querySelector('#body').value"), "Chao {{ name }}");
    browser.go(&site.page("/outbound/bulk?channel=SMS"));
    browser.run("document.querySelector('#csv').value = 'Số điện thoại\\n0987654321'");
    browser.click("#part-list button.primary");
    browser.until("document.querySelector('.mapping')");
    browser.click(".me-acts button[form=draft]");
    browser.until("document.documentElement.lang === 'en' && document.querySelector('.mapping')");
    assert!(browser.sees("Pasted list"));
}

#[test]
fn a_button_that_is_pressed_while_the_preview_comes_anew_is_clicked() {
    let (site, browser) = (Site::start(), Browser::start());
    sign_in(&browser, &site, Token::Telesales);
    browser.go(&site.page("/outbound/compose?channel=SMS&lead=lead-04"));
    browser.fill("#text", "Chao ban");
    browser.until_seen("8/160");
    // Pressed, and let go only once the answer to a change is there.
    browser.run("const ask = window.fetch; window.fetch = async (...all) => { const answer = await ask(...all); window.answered = true; return answer }; window.button = document.querySelector('#send'); window.button.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))");
    choose(&browser, "priority", "HIGH");
    browser.until("window.answered");
    assert_eq!(browser.run("return window.button.isConnected"), true);
    browser.run("window.button.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}))");
    browser.until("!window.button.isConnected");
}
