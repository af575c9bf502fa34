//! The `test` and `[` commands.

use super::super::fs::{FileNode, absolute};
use super::super::kernel::Sys;

/// Evaluates the arguments of `test`.
///
/// # Errors
/// What is wrong with the expression, without the shell's name.
pub fn evaluate(args: &[String], sys: &mut Sys, cwd: &str) -> Result<bool, String> {
    let mut reader = Reader { args, pos: 0, sys, cwd };
    if args.is_empty() {
        return Ok(false);
    }
    let value = reader.or()?;
    match args.get(reader.pos) {
        None => Ok(value),
        Some(extra) => Err(format!("{extra}: unknown operand")),
    }
}

/// The arguments of `[[`: `==` and `!=` take a pattern there.
pub fn with_patterns(args: &[String]) -> Vec<String> {
    let mut out = args.to_vec();
    for at in 1..out.len().saturating_sub(1) {
        let same = matches!(out[at].as_str(), "=" | "==");
        if (same || out[at] == "!=") && super::matches_glob(&out[at + 1], &out[at - 1]) {
            out[at + 1] = out[at - 1].clone();
        }
    }
    out.iter().map(|arg| if arg == "&&" { "-a".to_owned() } else { arg.clone() }).collect()
}

struct Reader<'a, 's, 'w> {
    args: &'a [String],
    pos: usize,
    sys: &'a mut Sys<'s, 'w>,
    cwd: &'a str,
}

const BINARY: [&str; 14] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "<", ">", "-nt", "-ot", "-ef"];

impl Reader<'_, '_, '_> {
    fn peek(&self, offset: usize) -> Option<&str> {
        self.args.get(self.pos + offset).map(String::as_str)
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.peek(0) == Some("-o") {
            self.pos += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.peek(0) == Some("-a") {
            self.pos += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        if self.peek(0) == Some("!")
            && self.peek(1).is_some()
            && !self.peek(1).is_some_and(|op| BINARY.contains(&op) && self.peek(2).is_some())
        {
            self.pos += 1;
            return Ok(!self.not()?);
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<bool, String> {
        let Some(first) = self.peek(0).map(str::to_owned) else { return Err("argument expected".to_owned()) };
        if let Some(op) = self.peek(1).filter(|op| BINARY.contains(op)).map(str::to_owned) {
            let Some(right) = self.peek(2).map(str::to_owned) else { return Err(format!("{op}: argument expected")) };
            self.pos += 3;
            return self.compare(&first, &op, &right);
        }
        if first == "(" {
            self.pos += 1;
            let value = self.or()?;
            if self.peek(0) != Some(")") {
                return Err("closing paren expected".to_owned());
            }
            self.pos += 1;
            return Ok(value);
        }
        if first.len() == 2
            && first.starts_with('-')
            && let Some(operand) = self.peek(1).map(str::to_owned)
        {
            self.pos += 2;
            return self.unary(&first, &operand);
        }
        self.pos += 1;
        Ok(!first.is_empty())
    }

    fn compare(&mut self, left: &str, op: &str, right: &str) -> Result<bool, String> {
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("{text}: bad number"));
        Ok(match op {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-eq" => number(left)? == number(right)?,
            "-ne" => number(left)? != number(right)?,
            "-lt" => number(left)? < number(right)?,
            "-le" => number(left)? <= number(right)?,
            "-gt" => number(left)? > number(right)?,
            "-ge" => number(left)? >= number(right)?,
            "-nt" => self.modified(left) > self.modified(right),
            "-ot" => self.modified(left) < self.modified(right),
            _ => absolute(self.cwd, left) == absolute(self.cwd, right),
        })
    }

    fn modified(&mut self, path: &str) -> Option<u64> {
        match self.sys.view().stat(&absolute(self.cwd, path))? {
            FileNode::File { modified, .. } | FileNode::Dir { modified, .. } | FileNode::Link { modified, .. } => {
                Some(modified)
            }
        }
    }

    fn unary(&mut self, op: &str, operand: &str) -> Result<bool, String> {
        let path = absolute(self.cwd, operand);
        let special = super::super::procfs::read(self.sys, &path).is_some();
        let node = self.sys.view().stat(&path);
        Ok(match op {
            "-z" => operand.is_empty(),
            "-n" => !operand.is_empty(),
            "-e" | "-r" => node.is_some() || special || path.starts_with("/dev/"),
            "-w" => node.is_some(),
            "-f" => matches!(node, Some(FileNode::File { .. })) || special,
            "-d" => matches!(node, Some(FileNode::Dir { .. })),
            "-s" => matches!(&node, Some(FileNode::File { data, .. }) if !data.is_empty()) || special,
            "-x" => match node {
                Some(FileNode::File { mode, .. }) => mode & 0o111 != 0,
                other => other.is_some(),
            },
            "-L" | "-h" => matches!(self.sys.view().entry(&path), Some(FileNode::Link { .. })),
            "-c" => path.starts_with("/dev/"),
            "-b" | "-p" | "-S" | "-g" | "-u" | "-k" => false,
            // No terminal is attached to a simulated process.
            "-t" => false,
            _ => return Err(format!("{op}: unknown operand")),
        })
    }
}
