//! The verbs of a journey: open, click, type, wait, look.
//!
//! Controls are found as a screen reader finds them, by role and name, so that a journey
//! that passes also says that the page can be used without seeing it. Whatever is asked
//! for is waited for: the page works in steps, and a test must not guess how long one takes.

use super::session::{Chrome, Screen, Visit, required};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long something may take to appear, on a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(20);

/// The open browser window.
pub struct Page {
    client: Client,
    pub visit: Visit,
}

impl Page {
    pub fn new(client: Client, visit: Visit) -> Page {
        Page { client, visit }
    }

    /// Sets what a visit fixes: screen, theme, motion; and begins to watch for long tasks.
    pub async fn prepare(&self) {
        let (width, height) = self.visit.screen.size();
        let phone = self.visit.screen == Screen::Phone;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone });
        self.tools("Emulation.setDeviceMetricsOverride", screen).await;
        if phone {
            self.tools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
        }
        self.tools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [
                { "name": "prefers-color-scheme", "value": self.visit.theme.name() },
                { "name": "prefers-reduced-motion", "value": if self.visit.calm { "reduce" } else { "no-preference" } },
            ]}),
        )
        .await;
        let watch = "window.__long = []; new PerformanceObserver((list) => { for (const task of list.getEntries()) \
                     window.__long.push([Math.round(task.startTime), Math.round(task.duration)]); }) \
                     .observe({ type: 'longtask', buffered: true });";
        self.tools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": watch })).await;
    }

    /// Goes to a route of the page, such as `""` or `"#/lesson/hello-cluster"`, as by a link from outside.
    pub async fn open(&self, route: &str) {
        self.open_until(route, "h1").await;
    }

    /// The same, where the page cannot get further than to an element that matches a selector.
    pub async fn open_until(&self, route: &str, selector: &str) {
        // A new fragment alone would not start the page anew.
        self.client.goto("about:blank").await.expect("a window can be emptied");
        let url = format!("{}{route}", required("PILOTHOUSE_URL"));
        self.client.goto(&url).await.expect("the page is served");
        self.until("the page has started", async || {
            let started =
                "return document.getElementById('boot') === null && document.querySelector(arguments[0]) !== null";
            self.js(started, vec![json!(selector)]).await == json!(true)
        })
        .await;
    }

    pub async fn reload(&self) {
        self.client.refresh().await.expect("a page can be reloaded");
    }

    /// The route shown, without the path that the page is served under.
    pub async fn route(&self) -> String {
        let url = self.client.current_url().await.expect("a page is open").to_string();
        url.strip_prefix(&required("PILOTHOUSE_URL")).unwrap_or(&url).to_owned()
    }

    /// Clicks the control with this role and name, for instance `("button", "Apply")`.
    pub async fn click(&self, role: &str, name: &str) {
        let what = format!("the {role} {name:?} can be clicked");
        // The page may redraw between finding and clicking: that is another try.
        self.until(&what, async || match self.find(role, name).await {
            Some(element) => element.click().await.is_ok(),
            None => false,
        })
        .await;
    }

    /// Waits for the element with this role and name, and returns it.
    pub async fn wait_for(&self, role: &str, name: &str) -> Element {
        self.until(&format!("there is a {role} {name:?}"), async || self.find(role, name).await.is_some()).await;
        self.find(role, name).await.expect("it was there a moment ago")
    }

    /// Whether there is such an element now.
    pub async fn has(&self, role: &str, name: &str) -> bool {
        self.find(role, name).await.is_some()
    }

    /// Waits until the page shows this text anywhere.
    pub async fn wait_for_text(&self, text: &str) {
        self.wait_for_text_in("body", text).await;
    }

    /// Waits until an element matching the CSS selector shows this text.
    pub async fn wait_for_text_in(&self, selector: &str, text: &str) {
        let script =
            "return [...document.querySelectorAll(arguments[0])].some((e) => e.innerText.includes(arguments[1]))";
        self.until(&format!("{selector} shows {text:?}"), async || {
            self.js(script, vec![json!(selector), json!(text)]).await == json!(true)
        })
        .await;
    }

    /// The text an element shows now; empty when there is none.
    pub async fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        self.js(script, vec![json!(selector)]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Types into whatever has the focus, as on a keyboard.
    pub async fn type_text(&self, text: &str) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(text).await.expect("the focused element takes keys");
    }

    /// Presses one key, with modifiers: `"Enter"`, `"Control+Enter"`, `"Shift+Tab"`, `"F6"`.
    pub async fn press(&self, keys: &str) {
        let mut text = String::new();
        for name in keys.split('+') {
            match key(name) {
                Some(key) => text.push(char::from(key)),
                None => text.push_str(name),
            }
        }
        // Releases the modifiers.
        text.push(char::from(Key::Null));
        self.type_text(&text).await;
    }

    /// Puts the focus into the first element matching the selector.
    pub async fn focus(&self, selector: &str) {
        let script = "const e = document.querySelector(arguments[0]); e?.focus(); return e !== null";
        self.until(&format!("{selector} can have the focus"), async || {
            self.js(script, vec![json!(selector)]).await == json!(true)
        })
        .await;
    }

    /// Replaces the text of the YAML editor, as a paste does.
    pub async fn write_yaml(&self, yaml: &str) {
        self.focus(".cm-content").await;
        self.press("Control+a").await;
        self.tools("Input.insertText", json!({ "text": yaml })).await;
    }

    /// Waits until the condition holds; `what` completes the sentence of the failure.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !holds().await {
            if begun.elapsed() > PATIENCE {
                let shown = self.text("body").await;
                panic!("after {PATIENCE:?} it is still not so that {what}; the page shows:\n{shown}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing has moved for half a second: fonts loaded, animations over.
    pub async fn settle(&self) {
        let script = "return document.fonts.status === 'loaded' && document.getAnimations().every((one) => \
                      one.playState !== 'running' || one.effect?.getTiming().iterations === Infinity)";
        self.until("the page is still", async || self.js(script, vec![]).await == json!(true)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    /// Runs a script in the page.
    pub async fn js(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap_or_else(|error| panic!("{error}\nin the script {script}"))
    }

    /// Sends a command of the DevTools protocol.
    pub async fn tools(&self, command: &'static str, params: Value) -> Value {
        let answer = self.client.issue_cmd(Chrome::DevTools(command, params)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// What the console said since the last call that a visitor should not cause: warnings and errors.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Chrome::Console).await.expect("chromedriver keeps the console");
        let entries = entries.as_array().cloned().unwrap_or_default();
        let grave = |entry: &&Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        entries.iter().filter(grave).map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Tasks of more than 50 ms since the page was opened: when they began and how long they took, in ms.
    pub async fn long_tasks(&self) -> Vec<(u64, u64)> {
        let tasks = self.js("return window.__long ?? []", vec![]).await;
        let pair = |task: &Value| Some((task[0].as_u64()?, task[1].as_u64()?));
        tasks.as_array().map(|tasks| tasks.iter().filter_map(pair).collect()).unwrap_or_default()
    }

    /// The routes that the page links to, itself included; a lesson that exists is found here.
    pub async fn routes(&self) -> BTreeSet<String> {
        let script = "return [location.href, ...[...document.querySelectorAll('a[href]')].map((a) => a.href)]";
        let found = self.js(script, vec![]).await;
        let root = required("PILOTHOUSE_URL");
        let route = |link: &str| Some(link.strip_prefix(&root)?.trim_start_matches("#/").to_owned());
        let routes = found.as_array().into_iter().flatten().filter_map(|link| route(link.as_str()?));
        // `#map` and the like are places on the same page.
        routes.filter(|route| !route.starts_with('#')).map(|route| format!("#/{route}")).collect()
    }

    /// Fails unless axe-core finds nothing to object to in the page as it stands.
    pub async fn assert_accessible(&self) {
        let axe = std::fs::read_to_string(required("PILOTHOUSE_AXE")).expect("axe-core was fetched");
        // Injected, not loaded: the page's own policy allows no foreign script.
        self.tools("Runtime.evaluate", json!({ "expression": axe })).await;
        let script = "const done = arguments[0]; axe.run().then((found) => done(found.violations.flatMap((rule) => \
                      rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${rule.help}: ${node.html} ${node.failureSummary}`))))";
        let found = self.client.execute_async(script, vec![]).await.expect("axe-core runs");
        let found: Vec<_> = found.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(
            found.is_empty(),
            "{:?}: axe-core objects on {}:\n{}",
            self.visit,
            self.route().await,
            found.join("\n")
        );
    }

    /// Writes what the window shows to a PNG file.
    pub async fn screenshot(&self, path: &Path) {
        let picture = self.client.screenshot().await.expect("a window can be photographed");
        std::fs::create_dir_all(path.parent().expect("pictures go into a folder")).expect("the folder can be made");
        std::fs::write(path, picture).expect("the picture can be written");
    }

    pub async fn close(self) {
        // A browser that has died is closed already.
        let _ = self.client.close().await;
    }

    /// The visible element with this role and accessible name; a name may be given by its beginning.
    async fn find(&self, role: &str, name: &str) -> Option<Element> {
        let found = self.client.execute(FIND, vec![json!(role), json!(name)]).await.ok()?;
        if found != json!(true) {
            return None;
        }
        let found: Result<Element, CmdError> = self.client.find(Locator::Css("[data-found-by-test]")).await;
        found.ok()
    }
}

/// Marks the first visible element of a role whose name is, or begins with, the wanted one.
const FIND: &str = r#"
const [role, wanted] = arguments;
const native = {
  button: "button, summary, input[type=button], input[type=submit]", link: "a[href]", heading: "h1, h2, h3, h4, h5, h6",
  textbox: "textarea, input:not([type]), input[type=text]", checkbox: "input[type=checkbox]", radio: "input[type=radio]",
  combobox: "select", slider: "input[type=range]", dialog: "dialog", main: "main", navigation: "nav", list: "ul, ol",
  listitem: "li", table: "table", row: "tr", img: "img, svg[role=img]", option: "option", region: "section[aria-label], section[aria-labelledby]",
};
const text = (e) => (e?.textContent ?? "").replace(/\s+/g, " ").trim();
const name = (e) => {
  const by = e.getAttribute("aria-labelledby");
  if (by) return by.split(/\s+/).map((id) => text(document.getElementById(id))).join(" ");
  return e.getAttribute("aria-label") ?? (e.labels?.length ? text(e.labels[0]) : (text(e) || e.title || e.alt || e.placeholder || ""));
};
for (const old of document.querySelectorAll("[data-found-by-test]")) old.removeAttribute("data-found-by-test");
const all = [...document.querySelectorAll(`[role=${role}]${native[role] ? ", " + native[role] : ""}`)]
  .filter((e) => (e.getAttribute("role") ?? role) === role && e.getClientRects().length > 0 && !e.closest("[inert], [aria-hidden=true]"));
const found = all.find((e) => name(e) === wanted) ?? all.find((e) => name(e).startsWith(wanted));
found?.setAttribute("data-found-by-test", "");
return found !== undefined;
"#;

/// The key a word names; other words are typed as they are.
fn key(name: &str) -> Option<Key> {
    Some(match name {
        "Control" => Key::Control,
        "Shift" => Key::Shift,
        "Alt" => Key::Alt,
        "Meta" => Key::Meta,
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "Tab" => Key::Tab,
        "Space" => Key::Space,
        "Backspace" => Key::Backspace,
        "Delete" => Key::Delete,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "Home" => Key::Home,
        "End" => Key::End,
        "F1" => Key::F1,
        "F6" => Key::F6,
        _ => return None,
    })
}
