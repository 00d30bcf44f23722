//! The pictures in `docs/screenshots`: copied from `target/tmp/screenshots`, where this test puts them.

use std::path::Path;

use crate::signing_in::sign_in;
use crate::soundness::{self, PAGES, telling_message};
use crate::support::{Browser, Condition, Site, Token};

const SIZES: [(u32, u32); 2] = [(1440, 900), (390, 844)];

/// How much of a long list is shown, in pixels.
const LIST: u32 = 1_300;

fn shoot(browser: &Browser, folder: &Path, name: &str) {
    for (width, height) in SIZES {
        for dark in [false, true] {
            browser.look(width, height, dark);
            browser.until("document.readyState === 'complete' && document.fonts.status === 'loaded'");
            // The whole page; what fills the window of a panel stays as high as the window.
            if browser.count("dialog[open]") == 0 {
                // A list goes on as it began.
                let most = if name.starts_with("queue") { LIST } else { u32::MAX };
                browser.look(width, browser.height().clamp(height, most), dark);
            }
            let scheme = if dark { "dark" } else { "light" };
            std::fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), browser.picture()).unwrap();
        }
    }
}

#[test]
fn screenshots() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let (mut site, browser) = (Site::start(), Browser::start());
    browser.go(&site.page("/outbound/sign-in"));
    shoot(&browser, &folder, "sign-in");
    sign_in(&browser, &site, Token::Admin);
    let id = telling_message(&browser, &site);
    for (name, path) in PAGES.into_iter().filter(|(name, _)| {
        [
            "compose",
            "queue",
            "message",
            "jobs",
            "job",
            "bulk",
            "report",
            "templates",
            "template",
            "overview",
            "dispatch",
            "matching",
        ]
        .contains(name)
    }) {
        browser.look(1440, 900, false);
        soundness::visit(&browser, &site, path, &id);
        shoot(&browser, &folder, name);
    }
    browser.look(1440, 900, false);
    browser.go(&site.page("/outbound"));
    browser.click("tr.row a.open");
    browser.until("document.querySelector('#drawer[open] #panel')");
    shoot(&browser, &folder, "panel");
    // While something holds messages back.
    for (condition, name) in
        [(Condition::LimitFull, "limit"), (Condition::Quiet, "quiet"), (Condition::CircuitOpen, "circuit")]
    {
        site.under(condition);
        for (page, path) in [("queue", "/outbound"), ("overview", "/outbound/overview")] {
            browser.look(1440, 900, false);
            browser.go(&site.page(path));
            shoot(&browser, &folder, &format!("{page}-{name}"));
        }
    }
}
