//! Who may ask: programs of this machine, but no web page that a browser of this machine shows.
//!
//! There are no credentials, so a page elsewhere could speak for the learner through the browser,
//! or reach loopback by a name of its own. Browsers say where a page is from; kubectl says nothing.

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// Whether the request comes from a program of this machine or a page it serves itself.
pub fn admits(headers: &HeaderMap) -> bool {
    let text = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    text(HOST).all(is_loopback)
        && text(ORIGIN).all(|origin| origin.split_once("://").is_some_and(|(_, at)| is_loopback(at)))
}

/// `127.0.0.1`, `localhost` or `[::1]`, with or without a port.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for (authority, own) in [
            ("127.0.0.1:8001", true),
            ("127.0.0.1", true),
            ("localhost:1", true),
            ("[::1]:8001", true),
            ("[::1]", true),
            ("evil.example:8001", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:80", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(authority), own, "{authority}");
        }
    }
}
