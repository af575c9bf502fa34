//! Unified diffs of two printed values, as the API server shows them for specs that may not change.
//!
//! Mirrors: apimachinery/pkg/util/diff: three lines of context, hunk headers, no file names.

use std::collections::BTreeMap;

const CONTEXT: usize = 3;

#[derive(Clone, Copy, PartialEq)]
enum Edit {
    Keep,
    Delete,
    Insert,
}

/// Empty when the texts are equal; otherwise hunks, each line ended.
pub(super) fn diff(old: &str, new: &str) -> String {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let edits = edits(&old, &new);
    let mut out = String::new();
    // Positions in both texts before each edit.
    let (mut at_old, mut at_new) = (0, 0);
    let positions: Vec<(usize, usize)> = edits
        .iter()
        .map(|edit| {
            let here = (at_old, at_new);
            at_old += usize::from(*edit != Edit::Insert);
            at_new += usize::from(*edit != Edit::Delete);
            here
        })
        .collect();
    let mut i = 0;
    while let Some(first) = (i..edits.len()).find(|i| edits[*i] != Edit::Keep) {
        let start = first.saturating_sub(CONTEXT).max(i);
        let mut end = first + 1;
        // Changes closer than two contexts share a hunk.
        while let Some(next) = (end..edits.len().min(end + 2 * CONTEXT + 1)).find(|i| edits[*i] != Edit::Keep) {
            end = next + 1;
        }
        end = (end + CONTEXT).min(edits.len());
        write_hunk(&mut out, &edits[start..end], positions[start], &old, &new);
        i = end;
    }
    out
}

fn write_hunk(out: &mut String, edits: &[Edit], (mut at_old, mut at_new): (usize, usize), old: &[&str], new: &[&str]) {
    let old_len = edits.iter().filter(|edit| **edit != Edit::Insert).count();
    let new_len = edits.iter().filter(|edit| **edit != Edit::Delete).count();
    out.push_str(&format!("@@ -{} +{} @@\n", range(at_old, old_len), range(at_new, new_len)));
    for edit in edits {
        let (mark, line) = match edit {
            Edit::Keep => (' ', old[at_old]),
            Edit::Delete => ('-', old[at_old]),
            Edit::Insert => ('+', new[at_new]),
        };
        at_old += usize::from(*edit != Edit::Insert);
        at_new += usize::from(*edit != Edit::Delete);
        out.push(mark);
        out.push_str(line);
        out.push('\n');
    }
}

fn range(start: usize, len: usize) -> String {
    match len {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        _ => format!("{},{len}", start + 1),
    }
}

/// So many equal lines are looked at: thousands of lines that repeat hundreds of times would take seconds.
const MOST_LOOKS: usize = 500_000;

/// The longest common run decides, then the longest on either side of it; of equals the first.
///
/// Mirrors: pmezard/go-difflib `SequenceMatcher`, with its notion of lines too frequent to match by. Where that
/// takes too long, what is left is shown as taken out and put in.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    const LONG: usize = 200;
    if new.len() >= LONG {
        places.retain(|_, at| at.len() <= new.len() / 100 + 1);
    }
    let mut edits = Vec::new();
    let mut looks = MOST_LOOKS;
    between(old, new, &places, (0, old.len()), (0, new.len()), &mut looks, &mut edits);
    edits
}

fn between(
    old: &[&str],
    new: &[&str],
    places: &BTreeMap<&str, Vec<usize>>,
    (old_from, old_to): (usize, usize),
    (new_from, new_to): (usize, usize),
    looks: &mut usize,
    edits: &mut Vec<Edit>,
) {
    let (mut best, mut at_old, mut at_new) = (0, old_from, new_from);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, line) in old.iter().enumerate().take(old_to).skip(old_from) {
        let mut next = BTreeMap::new();
        let all = places.get(line).map_or(&[][..], Vec::as_slice);
        let here = &all[all.partition_point(|j| *j < new_from)..all.partition_point(|j| *j < new_to)];
        *looks = looks.saturating_sub(1 + here.len());
        if *looks == 0 {
            break;
        }
        for &j in here {
            let length = j.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0) + 1;
            next.insert(j, length);
            if length > best {
                (best, at_old, at_new) = (length, i + 1 - length, j + 1 - length);
            }
        }
        lengths = next;
    }
    // Frequent lines belong to the run as well, if they are beside it.
    while at_old > old_from && at_new > new_from && old[at_old - 1] == new[at_new - 1] {
        (at_old, at_new, best) = (at_old - 1, at_new - 1, best + 1);
    }
    while at_old + best < old_to && at_new + best < new_to && old[at_old + best] == new[at_new + best] {
        best += 1;
    }
    if best == 0 {
        edits.extend(std::iter::repeat_n(Edit::Delete, old_to - old_from));
        edits.extend(std::iter::repeat_n(Edit::Insert, new_to - new_from));
        return;
    }
    between(old, new, places, (old_from, at_old), (new_from, at_new), looks, edits);
    edits.extend(std::iter::repeat_n(Edit::Keep, best));
    between(old, new, places, (at_old + best, old_to), (at_new + best, new_to), looks, edits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_have_three_lines_of_context() {
        let old: Vec<String> = (1..=12).map(|i| i.to_string()).collect();
        let mut new = old.clone();
        new[5] = "six".into();
        let text = diff(&old.join("\n"), &new.join("\n"));
        assert_eq!(text, "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n");
        assert_eq!(diff("a\nb", "a\nb"), "");
    }
}
