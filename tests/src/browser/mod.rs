//! A real browser: Debian's chromium, headless, driven through chromedriver. Pages are opened, looked at and used as a
//! person would; what they try to load or run against their policy is heard.
//!
//! What does not live here: the wire to the driver (`wire`), what accessibility means (`axe`), and what the pages show.
//! WebDriver is one JSON request per command: its client crates bring second versions of half a dozen crates we have.

pub mod axe;
mod wire;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::wire::Wire;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// In which clothes a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 1280 wide, light.
    DesktopLight,
    /// 1280 wide, dark.
    DesktopDark,
    /// 390 wide, light.
    Phone,
    /// 390 wide, dark.
    PhoneDark,
}

impl Screen {
    /// Every screen.
    pub const ALL: [Self; 4] = [Self::DesktopLight, Self::DesktopDark, Self::Phone, Self::PhoneDark];

    /// Its name, for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::DesktopLight => "desktop-light",
            Self::DesktopDark => "desktop-dark",
            Self::Phone => "phone-light",
            Self::PhoneDark => "phone-dark",
        }
    }

    fn is_phone(self) -> bool {
        matches!(self, Self::Phone | Self::PhoneDark)
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::DesktopLight | Self::Phone => "light",
            Self::DesktopDark | Self::PhoneDark => "dark",
        }
    }
}

/// A browser of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    wire: Wire,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; skips the test where there is none.
    pub async fn start() -> Option<Self> {
        let driver = crate::tool("EVENKEEL_TEST_CHROMEDRIVER", "chromedriver")?;
        let chromium = crate::tool("EVENKEEL_TEST_CHROMIUM", "chromium")?;
        let profile = tempfile::tempdir().unwrap();
        let (child, port) = driving(&driver, profile.path());
        let options = json!({
            "binary": chromium,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let wire = Wire::open(&format!("http://127.0.0.1:{port}"), &wanted).await;
        let browser = Self { wire, driver: child, _profile: profile };
        browser.dress(Screen::DesktopLight).await;
        Some(browser)
    }

    /// Sets the size and the colours of the screen.
    pub async fn dress(&self, screen: Screen) {
        let (width, height) = if screen.is_phone() { (390, 844) } else { (1280, 900) };
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": screen.is_phone() });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let colours = json!({ "features": [{ "name": "prefers-color-scheme", "value": screen.scheme() }] });
        self.cdp("Emulation.setEmulatedMedia", colours).await;
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.wire.post("url", &json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        text(&self.wire.get("url").await)
    }

    /// Runs the body of a function in the page and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.run_with(script, &json!([])).await
    }

    /// The same with arguments.
    pub async fn run_with(&self, script: &str, args: &Value) -> Value {
        self.wire.post("execute/sync", &json!({ "script": script, "args": args })).await
    }

    /// The same for a script that answers later, through its last argument.
    pub async fn run_async(&self, script: &str) -> Value {
        self.wire.post("execute/async", &json!({ "script": script, "args": [] })).await
    }

    /// What is written in the first element of this kind; nothing if there is none.
    pub async fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        text(&self.run_with(script, &json!([css])).await)
    }

    /// How many elements of this kind there are.
    pub async fn count(&self, css: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run_with(script, &json!([css])).await.as_u64().unwrap()
    }

    /// Presses the mouse on the first element of this kind, as far as a person could.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.wire.post(&format!("element/{element}/click"), &json!({})).await;
    }

    /// Sends a form as a browser does that checks nothing by itself. In one step: the page's own script would put back
    /// what was taken away from the form.
    pub async fn submit_unchecked(&self, css: &str) {
        let script = "const f = document.querySelector(arguments[0]); f.noValidate = true; f.requestSubmit()";
        self.run_with(script, &json!([css])).await;
    }

    /// Empties a field and types this into it.
    pub async fn fill(&self, css: &str, what: &str) {
        let element = self.element(css).await;
        self.wire.post(&format!("element/{element}/clear"), &json!({})).await;
        self.wire.post(&format!("element/{element}/value"), &json!({ "text": what })).await;
    }

    /// Presses keys wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.wire.post("actions", &actions).await;
    }

    /// Waits until the first element of this kind says this.
    pub async fn until_says(&self, css: &str, what: &str) {
        let begun = Instant::now();
        loop {
            let said = self.text(css).await;
            if said.contains(what) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                panic!("{css} at {} never says {what:?} but {said:?}", self.url().await);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until this many elements of this kind are there.
    pub async fn until_count(&self, css: &str, wanted: u64) {
        let begun = Instant::now();
        loop {
            let there = self.count(css).await;
            if there == wanted {
                return;
            }
            if begun.elapsed() > PATIENCE {
                panic!("{css} at {}: {there} and not {wanted}", self.url().await);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// What the browser complained about since it was asked last: policies that were broken, files that are not there,
    /// scripts that failed.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.wire.post("se/log", &json!({ "type": "browser" })).await;
        let lines = log.as_array().unwrap().iter();
        lines.filter(|line| line["level"] != "INFO").map(|line| text(&line["message"])).collect()
    }

    /// How many points wider than the screen the page is.
    pub async fn overhang(&self) -> i64 {
        let script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth";
        self.run(script).await.as_i64().unwrap()
    }

    /// The whole page as a picture, PNG.
    pub async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let shot = self
            .cdp("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }))
            .await;
        base64::engine::general_purpose::STANDARD.decode(text(&shot["data"])).unwrap()
    }

    async fn cdp(&self, command: &str, params: Value) -> Value {
        self.wire.post("goog/cdp/execute", &json!({ "cmd": command, "params": params })).await
    }

    async fn element(&self, css: &str) -> String {
        let found = self.wire.post("element", &json!({ "using": "css selector", "value": css })).await;
        text(found.as_object().unwrap().values().next().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Driver and browser are of one process group: the browser would outlive its driver.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.driver.id())]).status();
        let _ = self.driver.wait();
    }
}

/// A driver that runs, and its port. It takes one that is free for one kind of address and gives up if it is not for the
/// other, which on a machine with thousands of connections happens.
fn driving(driver: &Path, home: &Path) -> (Child, u16) {
    for _ in 0..20 {
        let mut child = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .env("HOME", home)
            // What the browser leaves behind goes away with it.
            .env("TMPDIR", home)
            .process_group(0)
            .spawn()
            .unwrap();
        if let Some(port) = port_of(&mut child) {
            return (child, port);
        }
        child.wait().unwrap();
    }
    panic!("chromedriver does not say its port");
}

/// The port it says it listens on; `None`: it ended. The rest of what it says is read and forgotten, or it would block.
fn port_of(driver: &mut Child) -> Option<u16> {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    port
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
