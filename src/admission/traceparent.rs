//! The trace that a request is part of: the header `traceparent` of the W3C's Trace Context.

use axum::http::HeaderMap;

const HEADER: &str = "traceparent";

/// The span of whoever called. Neither id is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub trace: u128,
    pub span: u64,
    /// The caller records this trace.
    pub sampled: bool,
}

impl TraceParent {
    /// What the headers say; of two that may differ, neither.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut told = headers.get_all(HEADER).iter();
        let only = told.next()?;
        told.next().is_none().then(|| Self::parse(only.as_bytes()))?
    }

    /// Reads `00-TRACE-SPAN-FLAGS`. Later versions may only add fields, so what is known of them is read alike.
    fn parse(text: &[u8]) -> Option<Self> {
        let (version, rest) = field(text, 2)?;
        let (trace, rest) = field(rest?, 32)?;
        let (span, rest) = field(rest?, 16)?;
        let (flags, rest) = field(rest?, 2)?;
        let known = match version {
            0 => rest.is_none(),
            version => version != 0xff,
        };
        let span = u64::try_from(span).ok()?;
        (known && trace != 0 && span != 0).then_some(Self {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }
}

/// A number of so many lower-case hexadecimal digits, and what comes behind its dash where it is not the last.
fn field(text: &[u8], digits: usize) -> Option<(u128, Option<&[u8]>)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let rest = match rest {
        [] => None,
        [b'-', rest @ ..] => Some(rest),
        _ => return None,
    };
    let number = number.iter().try_fold(0, |number: u128, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn parsed(text: &str) -> Option<TraceParent> {
        TraceParent::parse(text.as_bytes())
    }

    #[test]
    fn the_caller_says_which_trace_and_whether_it_is_recorded() {
        let parent = |sampled| {
            Some(TraceParent {
                trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
                span: 0x00f0_67aa_0ba9_02b7,
                sampled,
            })
        };
        for (flags, sampled) in [("01", true), ("00", false), ("03", true), ("02", false), ("ff", true)] {
            assert_eq!(
                parsed(&format!("00-{TRACE}-{SPAN}-{flags}")),
                parent(sampled),
                "{flags}"
            );
        }
        // A later version may say more, behind a dash.
        for later in ["cc-{}-01", "cc-{}-01-what-the-future-will-be-like", "01-{}-01-"] {
            let text = later.replace("{}", &format!("{TRACE}-{SPAN}"));
            assert_eq!(parsed(&text), parent(true), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_ignored() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            "00",
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("0g-{TRACE}-{SPAN}-01"),
            &format!("00-{zeros}-{SPAN}-01"),
            &format!("00-{TRACE}-{}-01", &zeros[..16]),
            &format!("00-{TRACE}-{SPAN}"),
            &format!("00-{TRACE}-{SPAN}-"),
            &format!("00-{TRACE}-{SPAN}-1"),
            &format!("00-{TRACE}-{SPAN}-001"),
            &format!("00-{TRACE}-{SPAN}-01-"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("cc-{TRACE}-{SPAN}-01more"),
            &format!("00-{}-{SPAN}-01", &TRACE[1..]),
            &format!("00-{TRACE}-{}-01", &SPAN[1..]),
            &format!("00-{TRACE}0-{SPAN}-01"),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}-{SPAN}-0x"),
            &format!("00_{TRACE}_{SPAN}_01"),
            &format!(" 00-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{}-01", "ü".repeat(8)),
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn one_header_says_it() {
        let header = |flags: &str| HeaderValue::try_from(format!("00-{TRACE}-{SPAN}-{flags}")).unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(TraceParent::of(&headers), None);
        headers.append("Traceparent", header("01"));
        assert!(TraceParent::of(&headers).unwrap().sampled);
        headers.append("traceparent", header("00"));
        assert_eq!(TraceParent::of(&headers), None);
    }
}
