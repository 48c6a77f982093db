//! What a YAML scalar means, exactly as kubectl reads it.
//!
//! kubectl reads YAML through `sigs.k8s.io/yaml`, whose `goyaml.v2/resolve.go` resolves scalars by a mixture of
//! YAML 1.1 and Go's own number syntax, and then writes JSON. The cases in the tests were compared with
//! kubectl 1.20.5 and `sigs.k8s.io/yaml` 1.6.0 (`dependencies.md §4`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a scalar means in JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    /// Only above `i64::MAX`.
    Unsigned(u64),
    /// Infinities and NaN exist in YAML, but not in JSON.
    Float(f64),
    /// The text itself.
    Text,
    /// Another text, decoded from `!!binary`.
    Decoded(String),
}

impl Scalar {
    /// Go writes a float without fraction as an integer, and the API server reads it back as one.
    pub(crate) fn rounded(self) -> Self {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the value is whole and in range")]
            Self::Float(float) if float.fract() == 0.0 && float.abs() < TWO_TO_63 => Self::Integer(float as i64),
            other => other,
        }
    }
}

/// Resolves an untagged plain scalar.
pub(crate) fn resolve(text: &str) -> Scalar {
    match text.as_bytes().first() {
        None | Some(b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => word(text),
        Some(b'.') => match text {
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            _ => float(text).unwrap_or(Scalar::Text),
        },
        Some(b'+' | b'-' | b'0'..=b'9') => match text {
            "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
            _ if text.contains('_') => number(&text.replace('_', "")),
            _ => number(text),
        },
        Some(_) => Scalar::Text,
    }
}

/// Resolves a scalar with a tag; `core` is the tag's name in YAML's own namespace, `None` for a custom tag.
pub(crate) fn resolve_tagged(core: Option<&str>, text: &str) -> Result<Scalar, String> {
    let wanted = match core {
        Some("binary") => return binary(text),
        Some(wanted @ ("bool" | "float" | "int" | "null")) => wanted,
        // A custom tag keeps the string, whatever it looks like.
        _ => return Ok(Scalar::Text),
    };
    let scalar = resolve(text);
    let fits = match &scalar {
        Scalar::Null => wanted == "null",
        Scalar::Bool(_) => wanted == "bool",
        Scalar::Integer(_) | Scalar::Unsigned(_) => matches!(wanted, "float" | "int"),
        Scalar::Float(_) => wanted == "float",
        Scalar::Text | Scalar::Decoded(_) => false,
    };
    if fits {
        Ok(scalar)
    } else {
        Err(format!("`{}` cannot be read as !!{wanted}", shortened(text)))
    }
}

/// Writes a float as a mapping key, as Go's `strconv.FormatFloat(number, 'g', -1, 32)` does: `1.20` becomes `1.2`.
pub(crate) fn float_key(number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sigs.k8s.io/yaml formats float keys with 32 bits"
    )]
    let number = number as f32;
    if !number.is_finite() {
        return if number.is_nan() {
            ".nan"
        } else if number > 0.0 {
            ".inf"
        } else {
            "-.inf"
        }
        .to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent >= 6 => format!("{digits}e+{exponent:02}"),
        Ok(exponent) if exponent < -4 => format!("{digits}e-{:02}", -exponent),
        _ => format!("{number}"),
    }
}

/// Shortens a text for a message.
pub(crate) fn shortened(text: &str) -> String {
    const WANTED: usize = 40;
    match text.char_indices().nth(WANTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => Scalar::Text,
    }
}

/// Reads a number as Go's `strconv.ParseInt(text, 0, 64)`, `ParseUint` and `ParseFloat` would, in this order.
fn number(text: &str) -> Scalar {
    let (negative, digits) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    let magnitude = if digits.starts_with(['+', '-']) {
        None
    } else {
        u64::from_str_radix(digits, radix).ok()
    };
    match (
        magnitude.map(|magnitude| (magnitude, i64::try_from(magnitude))),
        negative,
    ) {
        (Some((_, Ok(integer))), false) => Scalar::Integer(integer),
        (Some((_, Ok(integer))), true) => Scalar::Integer(-integer),
        // ParseUint takes no sign, so `+` goes on to the floats.
        (Some((unsigned, Err(_))), false) if !text.starts_with('+') => Scalar::Unsigned(unsigned),
        (Some((unsigned, Err(_))), true) if unsigned == i64::MIN.unsigned_abs() => Scalar::Integer(i64::MIN),
        _ => float(text).unwrap_or(Scalar::Text),
    }
}

/// Reads a float of the form that goyaml allows: digits around an optional point, then an optional exponent.
fn float(text: &str) -> Option<Scalar> {
    let bytes = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let digits = |from: &[u8]| from.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(bytes);
    let mut rest = &bytes[whole..];
    if let [b'.', fraction @ ..] = rest {
        let decimals = digits(fraction);
        if whole == 0 && decimals == 0 {
            return None;
        }
        rest = &fraction[decimals..];
    } else if whole == 0 {
        return None;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = if let [b'+' | b'-', unsigned @ ..] = exponent {
            unsigned
        } else {
            exponent
        };
        if exponent.is_empty() || digits(exponent) != exponent.len() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    // Go refuses what is out of range, and then it is a string.
    text.parse()
        .ok()
        .filter(|float: &f64| float.is_finite())
        .map(Scalar::Float)
}

fn binary(text: &str) -> Result<Scalar, String> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| "a !!binary value is not base64".to_owned())?;
    Ok(Scalar::Decoded(String::from_utf8_lossy(&bytes).into_owned()))
}
