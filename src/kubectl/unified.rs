//! Two texts as `diff -u` compares them: what `kubectl diff` shows.
//!
//! Mirrors: GNU diff, which kubectl calls. Shortest edit script by Myers' search from both ends,
//! without the lines only one side has; then every change slides as far down as it can, or to
//! where the other side changes too. Left out: its shortcut for lines that repeat very often.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

/// Past so many steps a search takes the best place it has seen: the answer stays right, if longer.
const PATIENCE: isize = 4096;

/// The hunks with `context` unchanged lines around each change; empty for equal texts.
pub fn unified(old: &str, new: &str, context: usize) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let mut out = String::new();
    for hunk in hunks(&changes(&old, &new), context) {
        let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
        let lead = first.old.start.min(context);
        let tail = (old.len() - last.old.end).min(context);
        let whole = |from: usize, to: usize| from - lead..to + tail;
        let (in_old, in_new) = (whole(first.old.start, last.old.end), whole(first.new.start, last.new.end));
        let _ = writeln!(out, "@@ -{} +{} @@", place(&in_old), place(&in_new));
        let mut at = in_old.start;
        for change in hunk {
            show(&mut out, ' ', &old[at..change.old.start]);
            show(&mut out, '-', &old[change.old.clone()]);
            show(&mut out, '+', &new[change.new.clone()]);
            at = change.old.end;
        }
        show(&mut out, ' ', &old[at..in_old.end]);
    }
    out
}

/// Lines of the old text that give way to lines of the new one; either may be none.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// `3,4` as a hunk's head counts: from 1, the count left out when it is 1, the line before nothing.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        count => format!("{},{count}", range.start + 1),
    }
}

fn show(out: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Changes whose surroundings touch belong together.
fn hunks(changes: &[Change], context: usize) -> Vec<&[Change]> {
    let apart = |a: &Change, b: &Change| b.old.start - a.old.end > 2 * context;
    changes.chunk_by(|a, b| !apart(a, b)).collect()
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    // Lines as numbers, and how often each stands on either side.
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count: Vec<[usize; 2]> = Vec::new();
    let mut number = |side: usize, line| {
        let id = *known.entry(line).or_insert(count.len());
        if id == count.len() {
            count.push([0, 0]);
        }
        count[id][side] += 1;
        id
    };
    let old: Vec<usize> = old.iter().map(|line| number(0, line)).collect();
    let new: Vec<usize> = new.iter().map(|line| number(1, line)).collect();

    let shared = |lines: &[usize], other: usize| -> Vec<usize> {
        (0..lines.len()).filter(|&at| count[lines[at]][other] > 0).collect()
    };
    let (left, right) = (shared(&old, 1), shared(&new, 0));
    let mut search = Search {
        old: left.iter().map(|&at| old[at]).collect(),
        new: right.iter().map(|&at| new[at]).collect(),
        kept: Vec::new(),
    };
    search.compare(0..left.len(), 0..right.len());
    // The lines that stay, in pairs: the n-th of one side is the n-th of the other.
    let mut stay_old: Vec<usize> = search.kept.iter().map(|&(at, _)| left[at]).collect();
    let mut stay_new: Vec<usize> = search.kept.iter().map(|&(_, at)| right[at]).collect();
    slide(&old, &mut stay_old, &stay_new, new.len());
    slide(&new, &mut stay_new, &stay_old, old.len());

    let mut found = Vec::new();
    for pair in 0..=stay_old.len() {
        let change = Change { old: gap(&stay_old, pair, old.len()), new: gap(&stay_new, pair, new.len()) };
        if !change.old.is_empty() || !change.new.is_empty() {
            found.push(change);
        }
    }
    found
}

/// The lines between the pair before `pair` and this one.
fn gap(stay: &[usize], pair: usize, len: usize) -> Range<usize> {
    let start = pair.checked_sub(1).map_or(0, |before| stay[before] + 1);
    start..stay.get(pair).copied().unwrap_or(len)
}

/// Moves each change of a side to where a reader expects it: among equal lines the same text can
/// be called new in several places.
fn slide(lines: &[usize], stay: &mut [usize], other: &[usize], other_len: usize) {
    let meets = |pair: usize| !gap(other, pair, other_len).is_empty();
    let mut pair = 0;
    while pair <= stay.len() {
        let mut run = gap(stay, pair, lines.len());
        if run.is_empty() {
            pair += 1;
            continue;
        }
        let mut met;
        loop {
            let length = run.len();
            // Upwards as far as it goes, which joins it with changes above …
            while run.start > 0 && lines[run.start - 1] == lines[run.end - 1] {
                pair -= 1;
                stay[pair] = run.end - 1;
                run = gap(stay, pair, lines.len());
            }
            // … then downwards, which joins it with those below.
            met = meets(pair).then_some(pair);
            while run.end < lines.len() && lines[run.start] == lines[run.end] {
                stay[pair] = run.start;
                pair += 1;
                run = gap(stay, pair, lines.len());
                met = meets(pair).then_some(pair).or(met);
            }
            if run.len() == length {
                break;
            }
        }
        while met.is_some_and(|met| met < pair) {
            pair -= 1;
            stay[pair] = run.end - 1;
            run = run.start - 1..run.end - 1;
        }
        pair += 1;
    }
}

struct Search {
    old: Vec<usize>,
    new: Vec<usize>,
    /// Pairs of equal lines, ascending on both sides.
    kept: Vec<(usize, usize)>,
}

impl Search {
    fn compare(&mut self, mut old: Range<usize>, mut new: Range<usize>) {
        while !old.is_empty() && !new.is_empty() && self.old[old.start] == self.new[new.start] {
            self.kept.push((old.start, new.start));
            (old.start, new.start) = (old.start + 1, new.start + 1);
        }
        let mut tail = 0;
        while !old.is_empty() && !new.is_empty() && self.old[old.end - 1] == self.new[new.end - 1] {
            (old.end, new.end) = (old.end - 1, new.end - 1);
            tail += 1;
        }
        if !old.is_empty() && !new.is_empty() {
            let (x, y) = self.middle(&old, &new);
            self.compare(old.start..x, new.start..y);
            self.compare(x..old.end, y..new.end);
        }
        self.kept.extend((0..tail).map(|at| (old.end + at, new.end + at)));
    }

    /// A point that a shortest way from the start of both ranges to their ends passes.
    ///
    /// Diagonals are numbered by old minus new; `fore` and `back` hold how far each got.
    fn middle(&self, old: &Range<usize>, new: &Range<usize>) -> (usize, usize) {
        let signed = |n: usize| n as isize;
        let (x0, x1, y0, y1) = (signed(old.start), signed(old.end), signed(new.start), signed(new.end));
        let (lowest, highest) = (x0 - y1, x1 - y0);
        let at = |d: isize| (d - lowest + 1) as usize;
        let mut fore = vec![-1; at(highest) + 2];
        let mut back = vec![isize::MAX; at(highest) + 2];
        let (first, last) = (x0 - y0, x1 - y1);
        fore[at(first)] = x0;
        back[at(last)] = x1;
        let odd = (first - last) % 2 != 0;
        let (mut near, mut far) = ((first, first), (last, last));
        let equal = |x: isize, y: isize| self.old[x as usize] == self.new[y as usize];
        let point = |x: isize, y: isize| (x as usize, y as usize);
        for step in 1.. {
            near = widen(near, lowest, highest, &mut |d| fore[at(d)] = -1);
            let mut best = (x0, y0);
            for d in (near.0..=near.1).rev().step_by(2) {
                let mut x = fore[at(d + 1)].max(fore[at(d - 1)] + 1);
                while x < x1 && x - d < y1 && equal(x, x - d) {
                    x += 1;
                }
                fore[at(d)] = x;
                if odd && (far.0..=far.1).contains(&d) && back[at(d)] <= x {
                    return point(x, x - d);
                }
                if x <= x1 && x - d <= y1 && 2 * x - d > best.0 + best.1 {
                    best = (x, x - d);
                }
            }
            far = widen(far, lowest, highest, &mut |d| back[at(d)] = isize::MAX);
            for d in (far.0..=far.1).rev().step_by(2) {
                let mut x = back[at(d - 1)].min(back[at(d + 1)].saturating_sub(1));
                while x0 < x && y0 < x - d && equal(x - 1, x - d - 1) {
                    x -= 1;
                }
                back[at(d)] = x;
                if !odd && (near.0..=near.1).contains(&d) && x <= fore[at(d)] {
                    return point(x, x - d);
                }
            }
            if step >= PATIENCE {
                return point(best.0, best.1);
            }
        }
        unreachable!("the ways from both ends meet")
    }
}

/// One diagonal more on either side, or one less where there is none; `clear` readies those beyond.
fn widen((low, high): (isize, isize), lowest: isize, highest: isize, clear: &mut dyn FnMut(isize)) -> (isize, isize) {
    let low = if low > lowest {
        clear(low - 2);
        low - 1
    } else {
        low + 1
    };
    let high = if high < highest {
        clear(high + 2);
        high + 1
    } else {
        high - 1
    };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::unified;

    /// Texts with a letter for each line.
    fn diff(old: &str, new: &str, context: usize) -> String {
        let text = |letters: &str| letters.chars().map(|letter| format!("{letter}\n")).collect::<String>();
        unified(&text(old), &text(new), context).replace('\n', "|")
    }

    #[test]
    fn hunks_are_what_gnu_diff_prints() {
        for (old, new, want) in [
            ("abc", "abc", ""),
            ("", "ab", "@@ -0,0 +1,2 @@|+a|+b|"),
            ("ab", "", "@@ -1,2 +0,0 @@|-a|-b|"),
            ("abc", "axc", "@@ -1,3 +1,3 @@| a|-b|+x| c|"),
            // As far down as it can go.
            ("abbc", "abbbc", "@@ -3,2 +3,3 @@| b|+b| c|"),
            // Back to where the other side changes too.
            ("xaay", "zaaay", "@@ -1,2 +1,3 @@|-x|+z|+a| a|"),
            // Two changes share a hunk when what is between them belongs to both.
            ("abcd", "xbcy", "@@ -1,4 +1,4 @@|-a|+x| b| c|-d|+y|"),
            ("abcde", "xbcdy", "@@ -1,2 +1,2 @@|-a|+x| b|@@ -4,2 +4,2 @@| d|-e|+y|"),
            ("abcabba", "cbabac", "@@ -1,7 +1,6 @@|-a|-b| c|-a| b|+a| b| a|+c|"),
        ] {
            assert_eq!(diff(old, new, 1), want, "{old} to {new}");
        }
    }

    #[test]
    fn a_missing_last_newline_is_said() {
        assert_eq!(unified("a", "a\n", 3), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    }
}
