//! Shell patterns: `*`, `?` and `[…]`, with quoted characters standing for themselves.

/// A character of a pattern and whether it was quoted.
pub type PatternChar = (char, bool);

/// Whether the whole text matches.
pub fn matches(pattern: &[PatternChar], text: &[char]) -> bool {
    let Some(((first, quoted), rest)) = pattern.split_first() else { return text.is_empty() };
    match (first, quoted) {
        ('*', false) => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        ('?', false) => !text.is_empty() && matches(rest, &text[1..]),
        ('[', false) => match bracket(rest) {
            Some((set, negated, used)) => {
                let Some((c, tail)) = text.split_first() else { return false };
                let inside = set.iter().any(|(low, high)| low <= c && c <= high);
                inside != negated && matches(&rest[used..], tail)
            }
            None => text.first() == Some(&'[') && matches(rest, &text[1..]),
        },
        (literal, _) => text.first() == Some(literal) && matches(rest, &text[1..]),
    }
}

type Ranges = Vec<(char, char)>;

fn bracket(pattern: &[PatternChar]) -> Option<(Ranges, bool, usize)> {
    let mut at = 0;
    let negated = matches!(pattern.first(), Some(('!' | '^', false)));
    at += usize::from(negated);
    let mut set = Ranges::new();
    loop {
        let (c, _) = *pattern.get(at)?;
        if c == ']' && !set.is_empty() {
            return Some((set, negated, at + 1));
        }
        if c == '[' && pattern.get(at + 1).is_some_and(|(next, _)| *next == ':') {
            let close = pattern[at..].windows(2).position(|pair| pair[0].0 == ':' && pair[1].0 == ']')?;
            let close = if close <= 1 {
                pattern[at + 2..].windows(2).position(|pair| pair[0].0 == ':' && pair[1].0 == ']')? + 2
            } else {
                close
            };
            let name: String = pattern[at + 2..at + close].iter().map(|(c, _)| *c).collect();
            set.extend(class(&name));
            at += close + 2;
            continue;
        }
        match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(('-', _)), Some((high, _))) if *high != ']' => {
                set.push((c, *high));
                at += 3;
            }
            _ => {
                set.push((c, c));
                at += 1;
            }
        }
    }
}

/// The ranges of a named character class such as `[:digit:]`.
pub fn class(name: &str) -> Ranges {
    match name {
        "digit" => vec![('0', '9')],
        "lower" => vec![('a', 'z')],
        "upper" => vec![('A', 'Z')],
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "xdigit" => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => Vec::new(),
    }
}

/// Whether an unquoted glob matches, for `find -name` and the like.
pub fn matches_glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<PatternChar> = pattern.chars().map(|c| (c, false)).collect();
    matches(&pattern, &text.chars().collect::<Vec<_>>())
}
