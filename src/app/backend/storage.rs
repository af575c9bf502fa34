//! Strings in localStorage. A browser that forbids storage behaves like an empty one.

const KEY: &str = "pilothouse";
/// Where a store goes that could not be read, so that nothing is ever thrown away.
const ASIDE: &str = "pilothouse.set-aside";

fn local() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

pub fn load() -> Option<String> {
    local()?.get_item(KEY).ok()?
}

/// A full or forbidden store loses the write, never the page.
pub fn save(text: &str) {
    if let Some(storage) = local() {
        let _ = storage.set_item(KEY, text);
    }
}

pub fn set_aside(text: &str) {
    if let Some(storage) = local() {
        let _ = storage.set_item(ASIDE, text);
        let _ = storage.remove_item(KEY);
    }
}
