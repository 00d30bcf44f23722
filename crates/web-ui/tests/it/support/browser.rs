//! A browser that a test drives.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::driver::Driver;

/// How long anything is waited for; much, as the machine may be busy with others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Headless Chromium with a profile of its own; it ends with this value.
pub struct Browser {
    driver: Driver,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts it, 1440 pixels wide, in the light scheme.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let driver = Driver::start();
        let data = format!("--user-data-dir={}", profile.path().display());
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--lang=vi",
            &data,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": args, "prefs": {"intl.accept_languages": "vi"}},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": 60_000, "pageLoad": 60_000},
        }}});
        let session = driver.send("POST", "/session", &wanted).unwrap();
        let session = session["sessionId"].as_str().unwrap().to_owned();
        let browser = Self { driver, session, _profile: profile };
        browser.look(1440, 900, false);
        browser
    }

    fn send(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_send(method, path, body).unwrap()
    }

    fn try_send(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        self.driver.send(method, &format!("/session/{}{path}", self.session), &body)
    }

    fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.send("POST", "/goog/cdp/execute", json!({"cmd": command, "params": parameters}))
    }

    /// The window's size and the colour scheme.
    pub fn look(&self, width: u32, height: u32, dark: bool) {
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]}),
        );
    }

    /// Whether scripts run from now on.
    pub fn scripts(&self, on: bool) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({"value": !on}));
    }

    /// Loads a page.
    pub fn go(&self, url: &str) {
        self.send("POST", "/url", json!({"url": url}));
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.send("POST", "/refresh", json!({}));
    }

    /// The address.
    pub fn url(&self) -> String {
        self.send("GET", "/url", Value::Null).as_str().unwrap().to_owned()
    }

    /// Runs a function's body in the page.
    pub fn run(&self, script: &str) -> Value {
        self.try_run(script).unwrap()
    }

    fn try_run(&self, script: &str) -> Result<Value, String> {
        self.try_send("POST", "/execute/sync", json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true in a page that is there as a whole.
    pub fn until(&self, expression: &str) {
        let patience = Instant::now() + PATIENCE;
        loop {
            // While a page loads there may be none to ask.
            let answer =
                self.try_run(&format!("return document.readyState !== 'loading' && Boolean({expression})"));
            if answer == Ok(Value::Bool(true)) {
                return;
            }
            if Instant::now() > patience {
                let text =
                    self.try_run("return location.href + '\\n' + document.body.innerText.slice(-1500)");
                panic!("waited in vain for {expression} ({answer:?}) at {}", text.unwrap_or_default());
            }
            std::thread::park_timeout(Duration::from_millis(40));
        }
    }

    /// Waits until the page shows this text.
    pub fn until_seen(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text)));
    }

    /// Whether the page shows this text.
    pub fn sees(&self, text: &str) -> bool {
        self.run(&format!("return document.body.innerText.includes({})", json!(text))) == Value::Bool(true)
    }

    /// How many elements there are.
    pub fn count(&self, selector: &str) -> u64 {
        self.run(&format!("return document.querySelectorAll({}).length", json!(selector))).as_u64().unwrap()
    }

    /// The text of the first element, once there is one.
    pub fn text(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let text = self.run(&format!("return document.querySelector({}).innerText", json!(selector)));
        text.as_str().unwrap().to_owned()
    }

    fn element(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let found = self.send("POST", "/element", json!({"using": "css selector", "value": selector}));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Clicks, as a mouse does.
    pub fn click(&self, selector: &str) {
        // What is replaced between the look and the click is looked for once more.
        let once = || self.try_send("POST", &format!("/element/{}/click", self.element(selector)), json!({}));
        once().or_else(|_| once()).unwrap();
    }

    /// Types into a field, in place of what it holds.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.send("POST", &format!("/element/{element}/clear"), json!({}));
        self.send("POST", &format!("/element/{element}/value"), json!({"text": text}));
    }

    /// Waits for an element, also where no script runs.
    pub fn until_there(&self, selector: &str) {
        self.element(selector);
    }

    /// Chooses a file.
    pub fn choose_file(&self, selector: &str, path: &Path) {
        let element = self.element(selector);
        self.send("POST", &format!("/element/{element}/value"), json!({"text": path.to_str().unwrap()}));
    }

    /// Does something in a tab of its own, and comes back.
    pub fn in_new_tab(&self, act: impl FnOnce(&Self)) {
        let old = self.send("GET", "/window", Value::Null);
        let new = self.send("POST", "/window/new", json!({"type": "tab"}));
        self.send("POST", "/window", json!({"handle": new["handle"]}));
        act(self);
        self.send("DELETE", "/window", Value::Null);
        self.send("POST", "/window", json!({"handle": old}));
    }

    /// Presses keys on whatever has the focus.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.send(
            "POST",
            "/actions",
            json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}),
        );
    }

    /// How high the page is, in pixels.
    pub fn height(&self) -> u32 {
        let height = self.run("return document.documentElement.scrollHeight").as_u64().unwrap();
        u32::try_from(height).unwrap()
    }

    /// What is in the window as a PNG.
    pub fn picture(&self) -> Vec<u8> {
        let shot =
            self.cdp("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": false}));
        base64::prelude::BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    /// What the console said since it was last asked, warnings and errors alone.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.send("POST", "/se/log", json!({"type": "browser"}));
        let lines = log.as_array().unwrap().iter();
        let bad = lines.filter(|line| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING")));
        bad.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where requests went since it was last asked.
    pub fn requests(&self) -> Vec<String> {
        let log = self.send("POST", "/se/log", json!({"type": "performance"}));
        let events = log.as_array().unwrap().iter().map(|line| {
            serde_json::from_str::<Value>(line["message"].as_str().unwrap()).unwrap()["message"].clone()
        });
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session.
        self.try_send("DELETE", "", Value::Null).ok();
    }
}
