//! The input line as pure text: when is a command complete, what do the control keys do to it.

/// Splits what was entered into commands a shell would run one after the other, and the unfinished
/// rest: an open quote, a trailing backslash, a here-document without its end.
pub fn split(text: &str) -> (Vec<String>, Option<String>) {
    let mut commands = Vec::new();
    let mut current = String::new();
    for line in text.split('\n') {
        if !current.is_empty() {
            current.push('\n');
        }
        current.push_str(line);
        if is_complete(&current) {
            if !current.trim().is_empty() {
                commands.push(std::mem::take(&mut current));
            }
            current.clear();
        }
    }
    (commands, (!current.is_empty()).then_some(current))
}

pub fn is_complete(text: &str) -> bool {
    let first = text.split('\n').next().unwrap_or_default();
    if let Some(end) = here_document(first) {
        return text.split('\n').skip(1).any(|line| line.trim_start_matches('\t') == end);
    }
    !open_quote(text) && !text.ends_with('\\')
}

/// The word that ends a here-document opened on this line.
fn here_document(line: &str) -> Option<String> {
    let (before, after) = line.split_once("<<")?;
    if open_quote(before) || after.starts_with('<') {
        return None;
    }
    let word = after.trim_start_matches('-').trim_start();
    let word: String = word.chars().take_while(|c| !c.is_whitespace() && !matches!(c, '|' | '>' | ';' | '&')).collect();
    let word = word.trim_matches(['\'', '"']).to_string();
    (!word.is_empty()).then_some(word)
}

fn open_quote(text: &str) -> bool {
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') => return false,
            (Some(open), c) if open == c => quote = None,
            (Some('"') | None, '\\') => {
                chars.next();
            }
            _ => {}
        }
    }
    quote.is_some()
}

/// Ctrl+U: the line's part before the cursor goes.
pub fn cut_before(text: &str, cursor: usize) -> (String, usize) {
    let start = text[..cursor].rfind('\n').map_or(0, |at| at + 1);
    (format!("{}{}", &text[..start], &text[cursor..]), start)
}

/// Ctrl+K: the line's part after the cursor goes.
pub fn cut_after(text: &str, cursor: usize) -> (String, usize) {
    let end = text[cursor..].find('\n').map_or(text.len(), |at| cursor + at);
    (format!("{}{}", &text[..cursor], &text[end..]), cursor)
}

/// Byte offset of a UTF-16 offset, as the DOM counts.
pub fn byte_offset(text: &str, utf16: u32) -> usize {
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen >= utf16 {
            return at;
        }
        seen += c.len_utf16() as u32;
    }
    text.len()
}

pub fn utf16_offset(text: &str, byte: usize) -> u32 {
    text[..byte.min(text.len())].encode_utf16().count() as u32
}

/// What all candidates begin with: Tab may insert that much without asking.
pub fn common_prefix(words: &[&str]) -> String {
    let Some((first, rest)) = words.split_first() else { return String::new() };
    let mut length = first.len();
    for word in rest {
        let same = first.char_indices().zip(word.chars()).take_while(|((_, a), b)| a == b).last();
        length = length.min(same.map_or(0, |((at, c), _)| at + c.len_utf8()));
    }
    first[..length].to_string()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn several_lines_are_several_commands() {
        let (commands, rest) = split("kubectl get pods\nkubectl get nodes");
        assert_eq!(commands, ["kubectl get pods", "kubectl get nodes"]);
        assert_eq!(rest, None);
    }

    #[wasm_bindgen_test]
    fn a_here_document_stays_together_until_its_end() {
        let text = "kubectl apply -f - <<EOF\nkind: Pod\nEOF";
        assert!(!is_complete("kubectl apply -f - <<EOF\nkind: Pod"));
        assert!(is_complete(text));
        assert_eq!(split(&format!("{text}\nls")).0, [text, "ls"]);
        assert!(is_complete("cat <<'END'\n'\nEND"));
    }

    #[wasm_bindgen_test]
    fn quotes_and_backslashes_wait_for_more() {
        let cases = [
            ("echo 'a", false),
            ("echo \"a\\\"", false),
            ("echo a \\", false),
            ("echo 'a'", true),
            ("it # isn't", true),
        ];
        for (text, complete) in cases {
            assert_eq!(is_complete(text), complete, "{text}");
        }
    }

    #[wasm_bindgen_test]
    fn cutting_stays_within_the_line() {
        assert_eq!(cut_before("one\ntwo three", 8), ("one\nthree".into(), 4));
        assert_eq!(cut_after("one two\nthree", 3), ("one\nthree".into(), 3));
    }

    #[wasm_bindgen_test]
    fn offsets_count_as_the_dom_does() {
        assert_eq!(byte_offset("파드 x", 2), 6);
        assert_eq!(utf16_offset("🍕x", 4), 2);
    }

    #[wasm_bindgen_test]
    fn tab_inserts_what_all_candidates_share() {
        assert_eq!(common_prefix(&["worker-1", "worker-2"]), "worker-");
        assert_eq!(common_prefix(&["pods"]), "pods");
        assert_eq!(common_prefix(&[]), "");
    }
}
