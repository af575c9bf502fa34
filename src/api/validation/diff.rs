//! Unified diffs of two printed values, as the API server shows them for specs that may not change.
//!
//! Mirrors: apimachinery/pkg/util/diff: three lines of context, hunk headers, no file names.

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

/// The longest common subsequence decides; deletions come before insertions.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let suffix = old[prefix..].iter().rev().zip(new[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[prefix..old.len() - suffix], &new[prefix..new.len() - suffix]);
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut edits = vec![Edit::Keep; prefix];
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            edits.push(Edit::Keep);
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            edits.push(Edit::Delete);
            i += 1;
        } else {
            edits.push(Edit::Insert);
            j += 1;
        }
    }
    edits.extend(std::iter::repeat_n(Edit::Keep, suffix));
    edits
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
