//! What the command lines of the network tools ask for.

use std::collections::BTreeMap;

use super::super::super::http::HttpRequest;
use super::super::super::kernel::NetRequest;
use super::{Fetch, Style};

pub fn parse(name: &str, args: &[String]) -> Result<Fetch, (String, i32)> {
    let valued = match name {
        "wget" => "OTPUYe",
        "curl" => "omwXdHuAe",
        "ping" => "cWwis",
        "nc" => "wpi",
        _ => "",
    };
    let mut flags = String::new();
    let mut values: BTreeMap<char, String> = BTreeMap::new();
    let mut headers = BTreeMap::new();
    let mut plain = Vec::new();
    let mut iter = args.iter();
    while let Some(arg) = iter.next() {
        if let Some(long) = arg.strip_prefix("--") {
            let (long, inline) =
                long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value.to_owned())));
            let mut value = || inline.clone().or_else(|| iter.next().cloned()).unwrap_or_default();
            match long {
                "spider" => flags.push('S'),
                "silent" | "quiet" => flags.push('q'),
                "fail" => flags.push('f'),
                "include" => flags.push('i'),
                "head" => flags.push('I'),
                "timeout" | "max-time" | "connect-timeout" => {
                    values.insert(if name == "curl" { 'm' } else { 'T' }, value());
                }
                "output" => drop(values.insert('o', value())),
                "request" => drop(values.insert('X', value())),
                "write-out" => drop(values.insert('w', value())),
                "data" => drop(values.insert('d', value())),
                "header" => header(&value(), &mut headers),
                "post-data" => drop(values.insert('d', value())),
                _ => {}
            }
            continue;
        }
        let Some(short) = arg.strip_prefix('-').filter(|short| !short.is_empty()) else {
            plain.push(arg.clone());
            continue;
        };
        let mut chars = short.chars();
        while let Some(flag) = chars.next() {
            if valued.contains(flag) {
                let inline: String = chars.by_ref().collect();
                let value = if inline.is_empty() { iter.next().cloned().unwrap_or_default() } else { inline };
                if flag == 'H' {
                    header(&value, &mut headers);
                } else {
                    values.insert(flag, value);
                }
            } else {
                flags.push(flag);
            }
        }
    }
    let usage = |code| ("missing URL or host".to_owned(), code);
    let target = plain.first().ok_or_else(|| usage(if name == "curl" { 2 } else { 1 }))?;
    let (host, port, path) = match name {
        "wget" | "curl" => url(target),
        _ => (target.clone(), plain.get(1).and_then(|text| text.parse().ok()).unwrap_or(0), String::new()),
    };
    let style = match name {
        "wget" => Style::Wget,
        "curl" => Style::Curl,
        "nslookup" => Style::Lookup,
        "ping" => Style::Ping,
        _ => Style::Netcat,
    };
    let body = values.get(&'d').cloned().unwrap_or_default();
    let default_method = if flags.contains('I') {
        "HEAD"
    } else if values.contains_key(&'d') {
        "POST"
    } else {
        "GET"
    };
    headers.entry("Host".to_owned()).or_insert_with(|| host.clone());
    headers
        .entry("User-Agent".to_owned())
        .or_insert_with(|| if style == Style::Wget { "Wget" } else { "curl/8.5.0" }.to_owned());
    let request = match style {
        Style::Wget | Style::Curl => NetRequest::Http {
            host: host.clone(),
            port,
            request: HttpRequest {
                method: values.get(&'X').cloned().unwrap_or_else(|| default_method.to_owned()),
                path: path.clone(),
                headers,
                body,
                client: String::new(),
            },
        },
        Style::Lookup => NetRequest::Lookup { name: host.clone(), server: plain.get(1).cloned() },
        Style::Ping => NetRequest::Ping { host: host.clone() },
        Style::Netcat => NetRequest::Connect { host: host.clone(), port },
    };
    let seconds = |text: &String| super::super::system::duration(text);
    let limit = match style {
        Style::Curl => values.get(&'m'),
        Style::Wget => values.get(&'T'),
        _ => values.get(&'w').or(values.get(&'W')),
    };
    let output = if style == Style::Curl { values.get(&'o') } else { values.get(&'O') };
    Ok(Fetch {
        style,
        flags,
        host,
        port,
        path,
        request,
        output: output.cloned(),
        write_out: values.get(&'w').cloned(),
        timeout: limit.and_then(seconds),
        left: values.get(&'c').and_then(|text| text.parse().ok()).unwrap_or(u32::MAX),
        sent: 0,
        token: None,
        asked: 0,
        held: None,
    })
}

fn header(text: &str, headers: &mut BTreeMap<String, String>) {
    if let Some((name, value)) = text.split_once(':') {
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
}

fn url(text: &str) -> (String, u16, String) {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let default = if scheme == "https" { 443 } else { 80 };
    let (host, port) =
        authority.rsplit_once(':').map_or((authority, default), |(host, port)| (host, port.parse().unwrap_or(default)));
    (host.to_owned(), port, path.to_owned())
}
