//! While N8N is simulated, every page says that nothing is sent; with a real one none does.

use crate::support::{Site, Token};

const PAGES: [&str; 9] = [
    "/outbound",
    "/outbound?status=SENT",
    "/outbound/messages/{id}",
    "/outbound/jobs",
    "/outbound/overview",
    "/outbound/worker",
    "/outbound/compose",
    "/outbound/bulk",
    "/outbound/templates",
];

fn html(site: &Site, path: &str, id: &str, language: &str) -> String {
    let token = Token::Admin.text();
    let cookie = format!("cookie: access_token={token}; outbound_language={language}\r\n");
    let answer = site.raw(&path.replace("{id}", id), &cookie);
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    answer
}

#[test]
fn every_page_says_that_nothing_is_sent_exactly_while_n8n_is_simulated() {
    let mut site = Site::start();
    let id = site.queue_message("0987654321", "Chào");
    let says = |site: &Site, path: &str| {
        let vietnamese = html(site, path, &id, "vi").contains("không tin nào được gửi thật");
        let english = html(site, path, &id, "en").contains("nothing is sent to anybody");
        assert_eq!(vietnamese, english, "{path}");
        vietnamese
    };
    for path in PAGES {
        assert!(says(&site, path), "{path}");
    }
    site.with_a_real_n8n();
    for path in PAGES {
        assert!(!says(&site, path), "{path}");
    }
}
