//! The page a describer writes on: lines with tabs in, aligned text out.
//!
//! Mirrors: Go's text/tabwriter (minimum width 0, padding 2) as `kubectl describe` sets it up,
//! and its `PrefixWriter` with two blanks per level.

use unicode_width::UnicodeWidthStr as _;

const PADDING: usize = 2;

/// Text with tabs between the cells that belong into columns.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    /// Where a new alignment begins: columns do not reach across.
    breaks: Vec<usize>,
}

impl Page {
    /// Adds text as it is.
    pub fn raw(&mut self, text: impl AsRef<str>) {
        // A terminal must not be steered by what objects contain.
        for c in text.as_ref().chars() {
            match c {
                '\u{1b}' => self.text.push_str("^["),
                '\r' => self.text.push_str("\\r"),
                _ => self.text.push(c),
            }
        }
    }

    /// Adds a line at an indentation level.
    pub fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.raw("  ".repeat(level));
        self.raw(text);
        self.text.push('\n');
    }

    /// Adds `label:` and its value, aligned with its neighbours.
    pub fn field(&mut self, level: usize, label: &str, value: impl std::fmt::Display) {
        self.line(level, format!("{label}:\t{value}"));
    }

    /// Lets the columns below be laid out without regard to those above.
    pub fn realign(&mut self) {
        self.breaks.push(self.text.len());
    }

    /// The text with its tabs, for those who print it unaligned.
    pub fn into_tabbed(self) -> String {
        self.text
    }

    /// The aligned text.
    pub fn finish(self) -> String {
        let mut out = String::new();
        let mut from = 0;
        for to in self.breaks.iter().copied().chain([self.text.len()]) {
            align(&self.text[from..to], &mut out);
            from = to;
        }
        out
    }
}

/// Lays out one stretch of lines. A cell ends with a tab; what follows the last tab
/// of a line is no cell and has no width. A column is a run of neighbouring lines that
/// have a cell there, as wide as its widest.
fn align(text: &str, out: &mut String) {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    layout(&lines, &mut widths, out, true);
}

fn layout(lines: &[Vec<&str>], widths: &mut Vec<usize>, out: &mut String, last: bool) {
    let column = widths.len();
    let has_cell = |line: &Vec<&str>| column + 1 < line.len();
    let mut at = 0;
    while at < lines.len() {
        let from = at;
        while at < lines.len() && !has_cell(&lines[at]) {
            at += 1;
        }
        print(&lines[from..at], widths, out, last && at == lines.len());
        let from = at;
        while at < lines.len() && has_cell(&lines[at]) {
            at += 1;
        }
        if from < at {
            let widest = lines[from..at].iter().map(|line| line[column].width()).max().unwrap_or_default();
            widths.push(widest + PADDING);
            layout(&lines[from..at], widths, out, last && at == lines.len());
            widths.pop();
        }
    }
}

fn print(lines: &[Vec<&str>], widths: &[usize], out: &mut String, last: bool) {
    for (index, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < line.len()
                && let Some(width) = widths.get(column)
            {
                out.push_str(&" ".repeat(width.saturating_sub(cell.width())));
            }
        }
        // Text that ends in a newline has an empty line behind it, which is none.
        if !(last && index + 1 == lines.len()) {
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(text: &str) -> String {
        let mut page = Page::default();
        page.raw(text);
        page.finish()
    }

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        assert_eq!(aligned("a:\tx\nlong:\ty\n"), "a:     x\nlong:  y\n");
    }

    #[test]
    fn a_line_without_the_cell_ends_the_column() {
        assert_eq!(aligned("a:\tx\nb\nlong:\ty\n"), "a:  x\nb\nlong:  y\n");
    }

    #[test]
    fn what_follows_the_last_tab_has_no_width() {
        assert_eq!(aligned("a\tb\tvery long\nc\td\te\n"), "a  b  very long\nc  d  e\n");
    }

    #[test]
    fn empty_columns_keep_their_padding() {
        assert_eq!(aligned("a\t\tb\nc\t\td\n"), "a    b\nc    d\n");
    }

    #[test]
    fn a_break_starts_anew() {
        let mut page = Page::default();
        page.field(0, "long label", 1);
        page.realign();
        page.field(0, "a", 2);
        assert_eq!(page.finish(), "long label:  1\na:  2\n");
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(aligned("a\r\u{1b}[31m\n"), "a\\r^[[31m\n");
    }
}
