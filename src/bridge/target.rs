//! The first line of a request: its method, its path decoded, its query taken apart.

use api::wire::Method;

/// `GET` and its like.
pub fn method(word: &str) -> Option<Method> {
    use Method::{Delete, Get, Head, Options, Patch, Post, Put};
    [Get, Post, Put, Patch, Delete, Head, Options].into_iter().find(|method| method.as_str() == word)
}

/// Undoes percent-encoding; `None` for a `%` that two hexadecimal digits do not follow.
pub fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The decoded pairs of a query, in order. A pair that cannot be decoded is left out, as Go does.
pub fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?))
    });
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::{decode, query};

    #[test]
    fn encoded_texts_are_read_as_go_reads_them() {
        for (text, decoded) in [
            ("/api/v1/pods", Some("/api/v1/pods")),
            ("a%2Fb%20c", Some("a/b c")),
            ("%ED%95%9C", Some("한")),
            ("a+b", Some("a+b")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%+1", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn queries_keep_their_order_and_repeat_their_keys() {
        let pairs = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<Vec<_>>();
        assert_eq!(
            query("command=sh&command=-c&command=echo+%22a%26b%22"),
            pairs(&[("command", "sh"), ("command", "-c"), ("command", "echo \"a&b\"")])
        );
        assert_eq!(query("watch&x=%zz&&limit=5"), pairs(&[("watch", ""), ("limit", "5")]));
    }
}
