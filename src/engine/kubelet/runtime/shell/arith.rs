//! Integer arithmetic of `$((…))`: C's operators on 64-bit numbers, with assignment.

use super::Shell;

/// # Errors
/// Busybox's words: `arithmetic syntax error`, `divide by zero`.
pub fn evaluate(text: &str, shell: &mut Shell) -> Result<i64, String> {
    let chars = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut reader = Reader { chars, pos: 0, shell, depth: 0 };
    if reader.chars.is_empty() {
        return Ok(0);
    }
    let value = reader.comma()?;
    if reader.pos < reader.chars.len() {
        return Err(bad());
    }
    Ok(value)
}

fn bad() -> String {
    "arithmetic syntax error".to_owned()
}

struct Reader<'a> {
    chars: Vec<char>,
    pos: usize,
    shell: &'a mut Shell,
    depth: usize,
}

/// Binary operators by level, loosest first; longer spellings before shorter.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Reader<'_> {
    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, wanted)| self.chars.get(self.pos + index) == Some(&wanted))
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.assignment()?;
        while self.eat(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn name_here(&self) -> Option<String> {
        let rest = &self.chars[self.pos..];
        if !rest.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == '_') {
            return None;
        }
        Some(rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect())
    }

    fn assignment(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > 50 {
            return Err(bad());
        }
        let start = self.pos;
        if let Some(name) = self.name_here() {
            self.pos += name.len();
            for op in ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="] {
                if !self.looking_at(op) || (op == "=" && self.looking_at("==")) {
                    continue;
                }
                self.pos += op.len();
                let right = self.assignment()?;
                let value = if op == "=" { right } else { apply(&op[..op.len() - 1], self.variable(&name)?, right)? };
                self.shell.set(&name, value.to_string())?;
                self.depth -= 1;
                return Ok(value);
            }
            self.pos = start;
        }
        let value = self.ternary()?;
        self.depth -= 1;
        Ok(value)
    }

    fn ternary(&mut self) -> Result<i64, String> {
        let cond = self.binary(0)?;
        if !self.eat("?") {
            return Ok(cond);
        }
        let yes = self.assignment()?;
        if !self.eat(":") {
            return Err(bad());
        }
        let no = self.assignment()?;
        Ok(if cond != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(ops) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        'next: loop {
            for op in *ops {
                // `&` is not half of `&&`, `<` is not half of `<<`.
                let doubled = op.len() == 1 && "&|<>*".contains(op) && self.looking_at(&op.repeat(2));
                let assigns = self.chars.get(self.pos + op.len()) == Some(&'=')
                    && !matches!(*op, "==" | "!=" | "<=" | ">=" | "<" | ">");
                if self.looking_at(op) && !doubled && !assigns {
                    self.pos += op.len();
                    let right = self.binary(level + 1)?;
                    left = apply(op, left, right)?;
                    continue 'next;
                }
            }
            return Ok(left);
        }
    }

    /// `2**3**2` is 2 to the ninth.
    fn power(&mut self) -> Result<i64, String> {
        let base = self.unary()?;
        if !self.looking_at("**") || self.looking_at("**=") {
            return Ok(base);
        }
        self.pos += 2;
        self.depth += 1;
        if self.depth > 50 {
            return Err(bad());
        }
        let exponent = self.power();
        self.depth -= 1;
        match u32::try_from(exponent?) {
            Ok(exponent) => Ok(base.wrapping_pow(exponent)),
            Err(_) => Err("exponent less than 0".to_owned()),
        }
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > 50 {
            return Err(bad());
        }
        let value = self.unary_inner();
        self.depth -= 1;
        value
    }

    fn unary_inner(&mut self) -> Result<i64, String> {
        for (op, step) in [("++", 1), ("--", -1)] {
            if self.eat(op) {
                let name = self.name_here().ok_or_else(bad)?;
                self.pos += name.len();
                let value = self.variable(&name)?.wrapping_add(step);
                self.shell.set(&name, value.to_string())?;
                return Ok(value);
            }
        }
        if self.eat("!") {
            return Ok(i64::from(self.unary()? == 0));
        }
        if self.eat("-") {
            return Ok(self.unary()?.wrapping_neg());
        }
        if self.eat("+") {
            return self.unary();
        }
        if self.eat("~") {
            return Ok(!self.unary()?);
        }
        if self.eat("(") {
            let value = self.comma()?;
            return if self.eat(")") { Ok(value) } else { Err(bad()) };
        }
        if let Some(name) = self.name_here() {
            self.pos += name.len();
            let value = self.variable(&name)?;
            for (op, step) in [("++", 1), ("--", -1)] {
                if self.eat(op) {
                    self.shell.set(&name, value.wrapping_add(step).to_string())?;
                }
            }
            return Ok(value);
        }
        let start = self.pos;
        while self.chars.get(self.pos).is_some_and(char::is_ascii_alphanumeric) {
            self.pos += 1;
        }
        let text: String = self.chars[start..self.pos].iter().collect();
        number(&text).ok_or_else(bad)
    }

    fn variable(&mut self, name: &str) -> Result<i64, String> {
        match self.shell.get(name).map(str::trim) {
            None | Some("") => Ok(0),
            Some(text) => number(text).ok_or_else(bad),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * value)
}

fn apply(op: &str, left: i64, right: i64) -> Result<i64, String> {
    let truth = |yes: bool| i64::from(yes);
    Ok(match op {
        "||" => truth(left != 0 || right != 0),
        "&&" => truth(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => truth(left == right),
        "!=" => truth(left != right),
        "<=" => truth(left <= right),
        ">=" => truth(left >= right),
        "<" => truth(left < right),
        ">" => truth(left > right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" | "%" if right == 0 => return Err("divide by zero".to_owned()),
        "/" => left.wrapping_div(right),
        "%" => left.wrapping_rem(right),
        _ => return Err(bad()),
    })
}
