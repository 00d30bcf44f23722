//! A telesales' morning at the pages: whatever they show or are sent is about people.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

use super::{NAME, PHONES, TEXT, WRONG};
use crate::process::Process;
use crate::support::PATIENCE;

/// A browser: it keeps its session, and follows no redirect, so that each answer is seen.
pub struct Visitor<'a> {
    server: &'a Process,
    browser: Client,
    session: String,
    code: String,
}

impl<'a> Visitor<'a> {
    /// Tries a wrong token at the sign-in's form, then this one.
    pub async fn sign_in(server: &'a Process, token: &str) -> Self {
        let browser = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let mut visitor = Self { server, browser, session: String::new(), code: String::new() };
        let page = visitor.request(Method::GET, "/outbound/sign-in").send().await.unwrap();
        let seed = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        visitor.session = seed;
        visitor.code = field(&page.text().await.unwrap(), "csrf");
        for (given, status) in [(WRONG, 401), (token, 303)] {
            let (answered, _) = visitor.post("/outbound/sign-in", &[("token", given)]).await;
            assert_eq!(answered, status, "the form was taken for what it is");
        }
        visitor.session = format!("access_token={token}");
        visitor.code = field(&visitor.get("/outbound/compose", 200).await, "csrf");
        visitor
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{}", self.server.http.url, path.replace(' ', "%20"));
        self.browser.request(method, url).header("cookie", &self.session)
    }

    async fn get(&self, path: &str, status: u16) -> String {
        let page = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(page.status().as_u16(), status, "{path}");
        page.text().await.unwrap()
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let code = [("csrf", self.code.as_str())];
        let form: Vec<_> =
            fields.iter().chain(&code).map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = self.request(Method::POST, path).body(form.join("&"));
        let page = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        (page.status().as_u16(), page.text().await.unwrap())
    }

    async fn expect(&self, path: &str, fields: &[(&str, &str)], status: u16) -> String {
        let (answered, page) = self.post(path, fields).await;
        assert_eq!(answered, status, "{path} {fields:?}: {page}");
        page
    }

    /// Every page, with a search by number and by text where there is one.
    pub async fn look_around(&self, message: &str, job: &str) {
        let phone = PHONES[0];
        for path in [
            "/outbound".to_owned(),
            format!("/outbound?q={phone}"),
            format!("/outbound?q={TEXT}&status=SENT"),
            format!("/outbound/messages/{message}"),
            format!("/outbound/compose?who={phone}&text={TEXT}"),
            "/outbound/bulk".to_owned(),
            "/outbound/bulk/sample".to_owned(),
            "/outbound/templates".to_owned(),
            "/outbound/templates/hello".to_owned(),
            "/outbound/new-template".to_owned(),
            "/outbound/jobs".to_owned(),
            format!("/outbound/jobs/{job}"),
            format!("/outbound/matching?q={phone}"),
            "/outbound/overview".to_owned(),
            "/outbound/worker".to_owned(),
            "/outbound/session".to_owned(),
        ] {
            self.get(&path, 200).await;
        }
        // Rows as they come: an answer without an end.
        let live = self.request(Method::GET, &format!("/outbound/live?q={phone}")).send().await.unwrap();
        assert_eq!(live.status().as_u16(), 200);
        drop(live);
        self.get(&format!("/outbound/messages/{phone}"), 404).await;
        self.get(&format!("/outbound/{phone}?q={TEXT}"), 404).await;
    }

    /// Each form, with numbers, names and texts in it.
    pub async fn send_forms(&self, message: &str) {
        let phone = PHONES[1];
        let to = format!("to:{phone}");
        let one = [
            ("channel", "SMS"),
            ("who", phone),
            ("recipient", &to),
            ("text", TEXT),
            ("allowDuplicate", "on"),
        ];
        self.expect("/outbound/compose/check", &one, 200).await;
        self.expect("/outbound/compose", &one, 303).await;
        let (refused, _) = self.post("/outbound/compose", &[("recipient", "to:0907"), ("text", TEXT)]).await;
        assert!(matches!(refused, 200 | 422), "{refused}");

        let csv = format!("phone,name\n{phone},{NAME}\n{},{NAME}\n0907,{NAME}", PHONES[2]);
        let list =
            [("channel", "SMS"), ("text", TEXT), ("csv", &csv), ("allowDuplicate", "on"), ("header", "1")];
        let report = self.expect("/outbound/bulk/check", &list, 200).await;
        self.expect("/outbound/bulk/rejected", &list, 200).await;
        let seen = field(&report, "seen");
        let sent = [&list[..], &[("seen", &seen)]].concat();
        self.expect("/outbound/bulk/send", &sent, 303).await;

        let body = format!("{TEXT} {{{{ name }}}}");
        let template =
            [("key", "later"), ("title", NAME), ("channel", "SMS"), ("body", &body), ("var.name", NAME)];
        self.expect("/outbound/new-template/check", &template, 200).await;
        self.expect("/outbound/new-template", &template, 303).await;
        self.expect("/outbound/templates/later/delete", &[], 303).await;

        self.expect(&format!("/outbound/messages/{message}/cancel"), &[], 303).await;
        self.expect("/outbound/ticked", &[("act", "requeue"), ("id", message)], 303).await;
        let matching = self.get(&format!("/outbound/matching?q={phone}"), 200).await;
        let until = field(&matching, "until");
        self.expect("/outbound/matching", &[("q", phone), ("act", "cancel"), ("until", &until)], 303).await;
        self.expect("/outbound/worker/plan", &[], 303).await;
        self.expect("/outbound/dispatch", &[], 303).await;
    }

    pub async fn sign_out(&self) {
        self.expect("/outbound/sign-out", &[], 303).await;
    }
}

/// What a hidden field of a page holds.
fn field(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}
