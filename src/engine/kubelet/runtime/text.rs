//! Small readers for the catalogue's texts: durations, sizes, and templates in log lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};

use super::Millis;
use super::http::HttpRequest;
use super::kernel::Sys;

/// A text of the catalogue with `{…}` places: `{hostname}` `{ip}` `{time}` `{date}`
/// `{env:NAME}`, and for requests `{method}` `{path}` `{client}` `{host}` `{agent}`.
pub struct Template<'a, 's, 'w> {
    pub text: &'a str,
    pub env: &'a BTreeMap<String, String>,
    pub sys: &'a Sys<'s, 'w>,
    pub request: Option<&'a HttpRequest>,
}

impl Template<'_, '_, '_> {
    pub fn render(&self) -> String {
        if !self.text.contains('{') {
            return self.text.to_owned();
        }
        let mut out = String::new();
        let mut rest = self.text;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let value = rest.find('}').and_then(|end| self.place(&rest[1..end]).map(|value| (value, end)));
            match value {
                Some((value, end)) => {
                    out.push_str(&value);
                    rest = &rest[end + 1..];
                }
                None => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out + rest
    }

    fn place(&self, name: &str) -> Option<String> {
        let when = || super::tools::civil(self.sys.now);
        if let Some(variable) = name.strip_prefix("env:") {
            return Some(self.env.get(variable).cloned().unwrap_or_default());
        }
        let request = |pick: fn(&HttpRequest) -> String| Some(self.request.map(pick).unwrap_or_default());
        match name {
            "hostname" => Some(self.sys.world.hostname.to_owned()),
            "ip" => Some(self.sys.world.ip.to_owned()),
            "node" => Some(self.sys.world.node.to_owned()),
            "time" => Some(when().strftime("%Y/%m/%d %H:%M:%S").to_string()),
            "rfc3339" => Some(when().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            "date" => Some(when().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()),
            "klog" => Some(when().strftime("I%m%d %H:%M:%S.000000       1").to_string()),
            "method" => request(|request| request.method.clone()),
            "path" => request(|request| request.path.clone()),
            "client" => request(|request| request.client.clone()),
            "host" => request(|request| request.headers.get("Host").cloned().unwrap_or_default()),
            "agent" => request(|request| request.headers.get("User-Agent").cloned().unwrap_or_else(|| "-".to_owned())),
            _ => None,
        }
    }
}

/// `250ms`, `2s`, `1m`, `2h`.
pub fn duration(text: &str) -> Option<Millis> {
    let (number, scale) = [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0)]
        .iter()
        .find_map(|(unit, scale)| text.strip_suffix(unit).map(|number| (number, *scale)))?;
    let value: f64 = number.parse().ok()?;
    (value >= 0.0 && value.is_finite()).then_some((value * scale) as Millis)
}

/// `64Mi`, `1Gi`, `500k` or plain bytes.
pub fn bytes(text: &str) -> Option<u64> {
    let (number, scale) =
        [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)]
            .iter()
            .find_map(|(unit, scale)| text.strip_suffix(unit).map(|number| (number, *scale)))
            .unwrap_or((text, 1_u64));
    number.parse::<u64>().ok().map(|value| value * scale)
}

fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Number(u64),
        Text(String),
    }
    let text = match Scalar::deserialize(deserializer)? {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text,
    };
    parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {what}")))
}

pub fn deserialize_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    read(deserializer, "a duration such as 500ms or 2s", |text| if text == "0" { Some(0) } else { duration(text) })
}

pub fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    read(deserializer, "a size such as 64Mi", bytes)
}

pub fn deserialize_millicpu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    read(deserializer, "an amount of CPU such as 100m", |text| match text.strip_suffix('m') {
        Some(milli) => milli.parse().ok(),
        None => text.parse::<u64>().ok().map(|cores| cores * 1_000),
    })
}
