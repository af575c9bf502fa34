//! CertificateSigningRequests: who asks, and for whom.

use api::meta::time::human_duration;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::common::{date, one_line};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn render(request: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", request.name());
    page.field(0, "Labels", one_line(request.at("/metadata/labels")));
    page.field(0, "Annotations", one_line(request.at("/metadata/annotations")));
    page.field(0, "CreationTimestamp", date(request.text("/metadata/creationTimestamp")));
    page.field(0, "Requesting User", request.text("/spec/username"));
    if !request.text("/spec/signerName").is_empty() {
        page.field(0, "Signer", request.text("/spec/signerName"));
    }
    if request.has("/spec/expirationSeconds") {
        page.field(
            0,
            "Requested Duration",
            human_duration(request.int("/spec/expirationSeconds").saturating_mul(1000)),
        );
    }
    page.field(0, "Status", status(request));
    let subject = Subject::of(request.text("/spec/request"));
    page.line(0, "Subject:");
    page.line(0, format!("\tCommon Name:\t{}", subject.values(3).first().map_or("", String::as_str)));
    page.line(0, format!("\tSerial Number:\t{}", subject.values(5).first().map_or("", String::as_str)));
    for (label, attribute) in [
        ("Organization", 10),
        ("Organizational Unit", 11),
        ("Country", 6),
        ("Locality", 7),
        ("Province", 8),
        ("StreetAddress", 9),
        ("PostalCode", 17),
    ] {
        let values = subject.values(attribute);
        if !values.is_empty() {
            page.line(0, format!("\t{label}:\t{}", values.join("\n\t\t")));
        }
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

/// A denial outweighs an approval; failure and the certificate are added.
fn status(request: &Value) -> String {
    let conditions = request.list("/status/conditions");
    let has = |kind: &str| conditions.iter().any(|condition| condition.text("/type") == kind);
    let mut status = if has("Denied") {
        "Denied".to_string()
    } else if has("Approved") {
        "Approved".to_string()
    } else {
        "Pending".to_string()
    };
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !request.text("/status/certificate").is_empty() {
        status.push_str(",Issued");
    }
    status
}

/// The subject's attributes of X.520 by number (3 is the common name), with their texts.
struct Subject(Vec<(u8, String)>);

impl Subject {
    /// Reads a base64-encoded PEM request, as far as it can.
    fn of(request: &str) -> Self {
        let pem = String::from_utf8(STANDARD.decode(request).unwrap_or_default()).unwrap_or_default();
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body.trim()).unwrap_or_default();
        Self(Self::read(&der).unwrap_or_default())
    }

    fn values(&self, attribute: u8) -> Vec<String> {
        self.0.iter().filter(|(number, _)| *number == attribute).map(|(_, text)| text.clone()).collect()
    }

    /// CertificationRequest { info { version, subject { set { attribute { oid, text } } … } … } … }
    fn read(der: &[u8]) -> Option<Vec<(u8, String)>> {
        let (request, _) = element(der)?;
        let (info, _) = element(request)?;
        let (_version, rest) = element(info)?;
        let (mut names, _) = element(rest)?;
        let mut attributes = Vec::new();
        while let Some((set, rest)) = element(names) {
            names = rest;
            let (pair, _) = element(set)?;
            let (oid, text) = element(pair)?;
            let (text, _) = element(text)?;
            if let [0x55, 0x04, number] = oid {
                attributes.push((*number, String::from_utf8_lossy(text).into_owned()));
            }
        }
        Some(attributes)
    }
}

/// The contents of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, mut rest) = der.get(1..)?.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let bytes = usize::from(first & 0x7f);
        length = rest
            .get(..bytes)?
            .iter()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
        rest = &rest[bytes..];
    }
    (length <= rest.len()).then(|| rest.split_at(length))
}
