//! Kubernetes quantities, compared exactly.

use std::cmp::Ordering;

/// A quantity such as `10Gi`, `1.5T`, `100m` or `1e3` (`k8s.io/apimachinery/pkg/api/resource/quantity.go`).
///
/// Kept as decimal digits, so that no two different quantities are ever equal; the rounding to nano units and the
/// cap at 2⁶³-1 that the API server applies are left to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    negative: bool,
    /// Significant decimal digits, without leading and trailing zeros. Empty for zero.
    digits: Vec<u8>,
    /// The value is `0.<digits>` × 10 to this power.
    point: i64,
}

impl Quantity {
    /// Parses a quantity as written; `None` where the API server would refuse it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let scale = Scale::parse(suffix)?;
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|digit| digit - b'0')
            .collect();
        let mut point = i64::try_from(whole.len()).ok()?.checked_add(scale.decimal)?;
        for _ in 0..scale.kibi {
            point += times_1024(&mut digits);
        }
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        point = point.checked_sub(i64::try_from(leading).ok()?)?;
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let zero = digits.is_empty();
        Some(Self {
            negative: negative && !zero,
            point: if zero { 0 } else { point },
            digits,
        })
    }

    /// Returns true for more than zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        !self.negative && !self.digits.is_empty()
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .point
                .cmp(&other.point)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a suffix multiplies by: 10 to the power `decimal`, times 1024 to the power `kibi`.
struct Scale {
    decimal: i64,
    kibi: u32,
}

impl Scale {
    fn parse(suffix: &str) -> Option<Self> {
        let decimal = |decimal| Some(Self { decimal, kibi: 0 });
        let binary = |kibi| Some(Self { decimal: 0, kibi });
        match suffix {
            "" => decimal(0),
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(1),
            "Mi" => binary(2),
            "Gi" => binary(3),
            "Ti" => binary(4),
            "Pi" => binary(5),
            "Ei" => binary(6),
            _ => {
                let exponent = suffix.strip_prefix(['e', 'E'])?;
                // The API server reads it as 32 bits.
                decimal(i64::from(exponent.parse::<i32>().ok()?))
            }
        }
    }
}

/// Multiplies a number of decimal digits; returns by how many digits it grew.
fn times_1024(digits: &mut Vec<u8>) -> i64 {
    let mut carry = 0_u32;
    for digit in digits.iter_mut().rev() {
        let product = u32::from(*digit) * 1024 + carry;
        // Below ten, so it fits.
        *digit = (product % 10) as u8;
        carry = product / 10;
    }
    let mut grown = 0;
    while carry > 0 {
        digits.insert(0, (carry % 10) as u8);
        carry /= 10;
        grown += 1;
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text} is a quantity"))
    }

    #[test]
    fn equal_amounts_are_equal_however_written() {
        for (left, right) in [
            ("1Gi", "1024Mi"),
            ("1Gi", "1073741824"),
            ("1.5Gi", "1536Mi"),
            ("1k", "1e3"),
            ("1E", "1000P"),
            ("1E3", "1k"),
            ("100m", "0.1"),
            (".5", "500m"),
            ("5.", "5"),
            ("+5", "005.0"),
            ("0", "-0.00Gi"),
            ("1e-3", "1m"),
            ("0.0009765625Ki", "1"),
        ] {
            assert_eq!(quantity(left), quantity(right), "{left} {right}");
            assert_eq!(quantity(left).cmp(&quantity(right)), Ordering::Equal);
        }
    }

    #[test]
    fn order_is_exact() {
        let ascending = [
            "-2Gi",
            "-1",
            "-1n",
            "0",
            "1n",
            "999999999n",
            "1",
            "1000",
            "1Ki",
            "1G",
            "1Gi",
            "1073741824.0000000000000000000001",
            "1T",
            "9Ei",
            "1e30",
        ];
        for pair in ascending.windows(2) {
            assert!(quantity(pair[0]) < quantity(pair[1]), "{pair:?}");
        }
        assert!(!quantity("0").is_positive() && !quantity("-1").is_positive() && quantity("1n").is_positive());
    }

    #[test]
    fn what_the_api_server_refuses_is_none() {
        for text in [
            "",
            ".",
            "10GB",
            "10 Gi",
            "Gi",
            "1.2.3",
            "--1",
            "1ki",
            "ten",
            "1e",
            "1e1.5",
            "1e99999999999",
            "１",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn integers_compare_as_integers(left: i64, right: i64, kibi in 0_u32..4) {
            let suffix = ["", "Ki", "Mi", "Gi"][kibi as usize];
            let scaled = |value: i64| i128::from(value) * 1024_i128.pow(kibi);
            let (one, other) = (quantity(&format!("{left}{suffix}")), quantity(&right.to_string()));
            proptest::prop_assert_eq!(one.cmp(&other), scaled(left).cmp(&i128::from(right)));
        }
    }
}
