//! Quantities: exact amounts with Kubernetes' suffixes, parsed and printed as upstream does.
//!
//! Mirrors: apimachinery/pkg/api/resource/{quantity,suffix,amount}.go. Values are held
//! in billionths (upstream's finest precision) and capped at 2^63-1, as upstream caps them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const NANO: i128 = 1_000_000_000;
const CAP: i128 = i64::MAX as i128 * NANO;

/// Which family of suffixes an amount is written in; it survives arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `m`, none, `k`, `M`, `G` …
    DecimalSi,
    /// `Ki`, `Mi`, `Gi` …
    BinarySi,
    /// `e3`, `E6` …
    DecimalExponent,
}

/// A quantity's exact value.
///
/// Comparison looks at the value alone: `1024Mi` equals `1Gi`.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    nanos: i128,
    format: Format,
}

/// Why a text is not a quantity, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseQuantityError {
    Format,
    Numeric,
    Suffix,
}

impl fmt::Display for ParseQuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            Self::Numeric => "unable to parse numeric part of quantity",
            Self::Suffix => "unable to parse quantity's suffix",
        })
    }
}

impl std::error::Error for ParseQuantityError {}

impl FromStr for Amount {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseQuantityError::Format);
        }
        let (negative, unsigned) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let whole_end = digits_end(unsigned, 0);
        let whole = &unsigned[..whole_end];
        let (fraction, number_end) = if unsigned[whole_end..].starts_with('.') {
            let end = digits_end(unsigned, whole_end + 1);
            (&unsigned[whole_end + 1..end], end)
        } else {
            ("", whole_end)
        };
        let suffix = &unsigned[number_end..];
        check_suffix_shape(suffix)?;
        if number_end == 0 || &unsigned[..number_end] == "." {
            // `Mi` alone: upstream finds no digits to read.
            return Err(ParseQuantityError::Numeric);
        }
        let (unit, format) = interpret_suffix(suffix).ok_or(ParseQuantityError::Suffix)?;
        let magnitude = scale(whole, fraction, unit);
        Ok(Self { nanos: if negative { -magnitude } else { magnitude }, format })
    }
}

fn digits_end(text: &str, from: usize) -> usize {
    from + text[from..].bytes().take_while(u8::is_ascii_digit).count()
}

/// The suffix must look like letters of known units, an optional sign and digits.
fn check_suffix_shape(suffix: &str) -> Result<(), ParseQuantityError> {
    let letters = suffix.bytes().take_while(|b| b"eEinumkKMGTP".contains(b)).count();
    let mut rest = &suffix[letters..];
    if rest.starts_with(['-', '+']) {
        rest = &rest[1..];
    }
    if rest.bytes().all(|b| b.is_ascii_digit()) { Ok(()) } else { Err(ParseQuantityError::Format) }
}

/// What one unit of the suffix is worth: a power of ten or of two.
#[derive(Clone, Copy)]
enum Unit {
    Ten(i32),
    Two(u32),
}

fn interpret_suffix(suffix: &str) -> Option<(Unit, Format)> {
    let decimal = |power| Some((Unit::Ten(power), Format::DecimalSi));
    let binary = |power| Some((Unit::Two(power), Format::BinarySi));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let power = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            Some((Unit::Ten(power), Format::DecimalExponent))
        }
    }
}

/// `whole.fraction` units in billionths, rounded up where finer, capped where larger.
fn scale(whole: &str, fraction: &str, unit: Unit) -> i128 {
    let digits = || whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').skip_while(|d| *d == 0);
    let Some(_) = digits().next() else { return 0 };
    // The number is `digits` × 10^exponent nanos × 2^shift.
    let fraction_digits = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let (power, shift) = match unit {
        Unit::Ten(power) => (power, 0),
        Unit::Two(shift) => (0, shift),
    };
    let exponent = 9_i32.saturating_add(power).saturating_sub(fraction_digits);
    if exponent >= 0 {
        // A larger power is above the cap with any number, and has no place here.
        let value = read_digits(digits()).saturating_mul(10_i128.pow(exponent.unsigned_abs().min(38))).min(CAP);
        return value.saturating_mul(1 << shift).min(CAP);
    }
    let dropped = exponent.unsigned_abs() as usize;
    let count = digits().count();
    if shift == 0 {
        let keep = count.saturating_sub(dropped);
        let lost = digits().skip(keep).any(|d| d != 0);
        return (read_digits(digits().take(keep)) + i128::from(lost)).min(CAP);
    }
    // Binary units with many decimals: 18 digits after the point are exact enough to round up.
    let divisor = 10_i128.checked_pow(dropped.min(18) as u32).unwrap_or(1);
    let skip = dropped.saturating_sub(18);
    let value = read_digits(digits().take(count.saturating_sub(skip)));
    let product = value.saturating_mul(1 << shift);
    ((product + divisor - 1) / divisor).min(CAP)
}

fn read_digits(digits: impl Iterator<Item = u8>) -> i128 {
    digits.fold(0_i128, |value, digit| value.saturating_mul(10).saturating_add(i128::from(digit)).min(CAP))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Binary suffixes only where they are exact and not confusing, as upstream.
        if self.format == Format::BinarySi && self.nanos.abs() >= 1024 * NANO && self.nanos % NANO == 0 {
            let mut value = self.nanos / NANO;
            let mut power = 0;
            while value % 1024 == 0 && power < 6 {
                value /= 1024;
                power += 1;
            }
            return write!(f, "{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power]);
        }
        let mut value = self.nanos;
        let mut power = -9;
        while value != 0 && value % 1000 == 0 && power < 18 {
            value /= 1000;
            power += 3;
        }
        if value == 0 {
            return f.write_str("0");
        }
        if self.format == Format::DecimalExponent {
            return if power == 0 { write!(f, "{value}") } else { write!(f, "{value}e{power}") };
        }
        let suffix = match power {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            0 => "",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            _ => "E",
        };
        write!(f, "{value}{suffix}")
    }
}

impl Default for Amount {
    fn default() -> Self {
        Self::ZERO
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl std::ops::Add for Amount {
    type Output = Self;

    /// Zero takes the other's format, so that sums start from `Amount::ZERO`.
    fn add(self, other: Self) -> Self {
        let format = if self.nanos == 0 { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_add(other.nanos), format }
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let format = if self.nanos == 0 { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_sub(other.nanos), format }
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |total, amount| total + amount)
    }
}

impl Amount {
    pub const ZERO: Self = Self { nanos: 0, format: Format::DecimalSi };

    pub const fn from_units(units: i64, format: Format) -> Self {
        Self { nanos: units as i128 * NANO, format }
    }

    pub const fn from_millis(millis: i64, format: Format) -> Self {
        Self { nanos: millis as i128 * (NANO / 1000), format }
    }

    pub const fn format(self) -> Format {
        self.format
    }

    /// Whole units, rounded away from zero.
    pub fn value(self) -> i64 {
        round_up(self.nanos, NANO)
    }

    /// Thousandths, rounded away from zero.
    pub fn milli_value(self) -> i64 {
        round_up(self.nanos, NANO / 1000)
    }

    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether there is nothing finer than `1m`.
    pub const fn is_whole_millis(self) -> bool {
        self.nanos % (NANO / 1000) == 0
    }

    /// Whether there is nothing finer than `1`.
    pub const fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// How many times `other` fits, for ratios and percentages; 0 when `other` is zero.
    pub fn ratio(self, other: Self) -> f64 {
        if other.nanos == 0 { 0.0 } else { self.nanos as f64 / other.nanos as f64 }
    }

    pub fn to_quantity(self) -> Quantity {
        Quantity(self.to_string())
    }
}

fn round_up(nanos: i128, unit: i128) -> i64 {
    let magnitude = (nanos.abs() + unit - 1) / unit;
    i64::try_from(if nanos < 0 { -magnitude } else { magnitude }).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// The exact value of a stored quantity; stored ones were parsed when they came in,
/// so anything else counts as zero.
pub fn amount(quantity: &Quantity) -> Amount {
    quantity.0.parse().unwrap_or_default()
}

/// The canonical spelling of a quantity, or the text itself if it is none.
pub fn canonical(text: &str) -> String {
    text.parse::<Amount>().map_or_else(|_| text.to_string(), |amount| amount.to_string())
}

/// An amount of CPU, in millicores: 1000 is one full core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MilliCpu(pub i64);

/// An amount of memory or storage, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub i64);

impl From<Amount> for MilliCpu {
    fn from(amount: Amount) -> Self {
        Self(amount.milli_value())
    }
}

impl From<Amount> for Bytes {
    fn from(amount: Amount) -> Self {
        Self(amount.value())
    }
}

impl From<&Quantity> for MilliCpu {
    fn from(quantity: &Quantity) -> Self {
        amount(quantity).into()
    }
}

impl From<&Quantity> for Bytes {
    fn from(quantity: &Quantity) -> Self {
        amount(quantity).into()
    }
}

impl fmt::Display for MilliCpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Amount::from_millis(self.0, Format::DecimalSi).fmt(f)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Amount::from_units(self.0, Format::BinarySi).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_canonically() {
        for (written, printed) in [
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Gi", "512Mi"),
            ("1000m", "1"),
            ("100", "100"),
            ("1000", "1k"),
            ("1500m", "1500m"),
            ("-1Gi", "-1Gi"),
            ("0", "0"),
            ("0Mi", "0"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("512Ki", "512Ki"),
            ("1Ki", "1Ki"),
            ("0.1Ki", "102400m"),
            ("1000Ki", "1000Ki"),
            ("+5", "5"),
            ("0.1n", "1n"),
            ("1.", "1"),
            (".5", "500m"),
            ("12345678901234567890", "9223372036854775807"),
            ("1500M", "1500M"),
            ("1024Ki", "1Mi"),
            ("128974848", "128974848"),
            ("129e6", "129e6"),
            ("129M", "129M"),
            ("123Mi", "123Mi"),
        ] {
            assert_eq!(canonical(written), printed, "{written}");
        }
    }

    #[test]
    fn what_is_no_quantity_says_why() {
        for (text, error) in [
            ("lots", ParseQuantityError::Format),
            ("128MB", ParseQuantityError::Format),
            ("", ParseQuantityError::Format),
            ("1.2.3", ParseQuantityError::Format),
            ("1mi", ParseQuantityError::Suffix),
            ("5e", ParseQuantityError::Suffix),
            ("1 Gi", ParseQuantityError::Format),
            ("Mi", ParseQuantityError::Numeric),
            ("1KM", ParseQuantityError::Suffix),
        ] {
            assert_eq!(text.parse::<Amount>().err(), Some(error), "{text}");
        }
    }

    #[test]
    fn values_round_up() {
        let read = |text: &str| text.parse::<Amount>().expect("a quantity");
        assert_eq!(read("1500m").value(), 2);
        assert_eq!(read("100u").milli_value(), 1);
        assert_eq!(read("1Gi").value(), 1 << 30);
        assert_eq!((read("500m") + read("1")).to_string(), "1500m");
        assert_eq!([read("1Gi"), read("512Mi")].into_iter().sum::<Amount>().to_string(), "1536Mi");
        assert_eq!((read("2") - read("500m")).to_string(), "1500m");
        assert!(read("1Gi") > read("1G") && read("1000m") == read("1"));
    }
}
