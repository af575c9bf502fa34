//! One browser window per test: how it is opened, and what is checked when it closes.

use super::Page;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who visits: the reader's language, theme and screen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Visit {
    pub language: Language,
    pub theme: Theme,
    pub screen: Screen,
    /// The visitor asked their system for less motion.
    pub calm: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Language {
    #[default]
    English,
    Korean,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Korean];

    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Korean => "ko",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 2] = [Theme::Light, Theme::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Screen {
    #[default]
    Desktop,
    Phone,
}

impl Screen {
    pub const ALL: [Screen; 2] = [Screen::Desktop, Screen::Phone];

    pub fn size(self) -> (u32, u32) {
        match self {
            Screen::Desktop => (1440, 900),
            Screen::Phone => (390, 844),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Screen::Desktop => "desktop",
            Screen::Phone => "phone",
        }
    }
}

/// Opens a fresh browser, runs the journey, and fails if the console complained on the way.
///
/// A failing journey leaves a picture of the last state in `target/shots`.
pub fn browse(visit: Visit, journey: impl AsyncFnOnce(&Page)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let profile = fresh_profile();
    let page = Page::new(runtime.block_on(connect(visit, &profile)), visit);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            page.prepare().await;
            journey(&page).await;
            let complaints = page.complaints().await;
            assert!(complaints.is_empty(), "the console complained:\n{}", complaints.join("\n"));
        });
    }));
    if outcome.is_err() {
        let name = std::thread::current().name().unwrap_or("journey").replace("::", "-");
        let shot = PathBuf::from(required("PILOTHOUSE_SHOTS")).join(format!("{name}.png"));
        runtime.block_on(page.screenshot(&shot));
        eprintln!("the last state is in {}", shot.display());
        for complaint in runtime.block_on(page.complaints()) {
            eprintln!("console: {complaint}");
        }
    }
    runtime.block_on(page.close());
    // A profile left behind is only litter.
    let _ = std::fs::remove_dir_all(profile);
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// A variable that `cargo xtask` sets for us.
pub fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run cargo xtask test --only browser"))
}

fn fresh_profile() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("pilothouse-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

async fn connect(visit: Visit, profile: &std::path::Path) -> Client {
    let (width, height) = visit.screen.size();
    let options = json!({
        "binary": required("PILOTHOUSE_BROWSER"),
        "prefs": { "intl.accept_languages": visit.language.code() },
        "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            "--hide-scrollbars", "--force-color-profile=srgb",
            format!("--lang={}", visit.language.code()),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ],
    });
    let mut wishes = Map::new();
    wishes.insert("goog:chromeOptions".into(), options);
    wishes.insert("goog:loggingPrefs".into(), json!({ "browser": "ALL" }));
    let connector = hyper_util::client::legacy::connect::HttpConnector::new();
    let client = ClientBuilder::new(connector).capabilities(wishes).connect(&required("PILOTHOUSE_WEBDRIVER")).await;
    client.expect("the driver starts a browser")
}

/// What chromedriver understands beyond the standard.
#[derive(Debug)]
pub enum Chrome {
    /// A command of the DevTools protocol.
    DevTools(&'static str, Value),
    /// What the console said since the last time.
    Console,
}

impl WebDriverCompatibleCommand for Chrome {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        let session = session.expect("commands are sent in a session");
        match self {
            Chrome::DevTools(..) => base.join(&format!("session/{session}/goog/cdp/execute")),
            Chrome::Console => base.join(&format!("session/{session}/se/log")),
        }
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = match self {
            Chrome::DevTools(command, params) => json!({ "cmd": command, "params": params }),
            Chrome::Console => json!({ "type": "browser" }),
        };
        (http::Method::POST, Some(body.to_string()))
    }
}
