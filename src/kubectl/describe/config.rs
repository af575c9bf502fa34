//! ConfigMaps, Secrets and ServiceAccounts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::common::heading;
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn config_map(map: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, map, true);
    page.raw("\nData\n====\n");
    for (key, value) in map.entries("/data") {
        page.line(0, format!("{key}:\n----"));
        page.line(0, value.text(""));
        page.line(0, "");
    }
    page.raw("\nBinaryData\n====\n");
    for (key, value) in map.entries("/binaryData") {
        page.line(0, format!("{key}: {} bytes", decode(value).len()));
    }
    page.line(0, "");
    events::write(&mut page, events, now_ms);
    page.finish()
}

/// Shows sizes, never contents, save for the tokens of service accounts.
pub fn secret(secret: &Value) -> String {
    let mut page = Page::default();
    heading(&mut page, secret, true);
    let kind = secret.text("/type");
    page.raw(format!("\nType:\t{kind}\n"));
    page.raw("\nData\n====\n");
    for (key, value) in secret.entries("/data") {
        let bytes = decode(value);
        match (key, kind) {
            ("token", "kubernetes.io/service-account-token") => {
                page.field(0, key, String::from_utf8_lossy(&bytes));
            }
            _ => page.field(0, key, format!("{} bytes", bytes.len())),
        }
    }
    page.finish()
}

fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.text("")).unwrap_or_default()
}

pub fn service_account(account: &Value, events: Events<'_>, now_ms: u64) -> String {
    const TITLE: &str = "Image pull secrets:";
    let mut page = Page::default();
    heading(&mut page, account, true);
    let secrets = account.list("/imagePullSecrets");
    if secrets.is_empty() {
        page.line(0, format!("{TITLE}\t<none>"));
    }
    for (index, secret) in secrets.iter().enumerate() {
        let title = if index == 0 { TITLE } else { "                   " };
        page.line(0, format!("{title}\t{}", secret.text("/name")));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}
